"use strict";
(() => {
  const raw = document.getElementById("raw");
  const remembered = "judgeforge-raw";
  if (raw) {
    raw.checked = sessionStorage.getItem(remembered) === "1";
    raw.addEventListener("change", () => sessionStorage.setItem(remembered, raw.checked ? "1" : "0"));
  }
  let sent = false;
  document.addEventListener("submit", (event) => {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    document.body.classList.add("sent");
  });
  // A page that comes back from the browser's memory may be answered, too.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // Several answers are ranked: the first click is the best, and the last one follows from the rest.
  const form = document.getElementById("choose");
  const number = form ? Number(form.dataset.rank || 0) : 0;
  const order = [];
  const places = () => [...form.querySelectorAll(".side")];
  const marked = () => places().forEach((one) => {
    const place = order.indexOf(one.value);
    one.dataset.place = place < 0 ? "" : String(place + 1);
    one.setAttribute("aria-pressed", String(place >= 0));
    document.getElementById("enough").hidden = order.length === 0;
  });
  const rank = (button) => {
    const place = order.indexOf(button.value);
    if (place >= 0) order.splice(place, 1); else order.push(button.value);
    marked();
    if (order.length === number - 1) {
      order.push(places().map((one) => one.value).find((value) => !order.includes(value)));
      send();
    }
  };
  const send = () => {
    const said = document.createElement("input");
    said.type = "hidden"; said.name = "said"; said.value = order.join(",");
    form.append(said);
    form.requestSubmit();
  };
  if (number) {
    document.getElementById("enough").addEventListener("click", () => { if (!sent) send(); });
    form.addEventListener("click", (event) => {
      const button = event.target.closest(".side");
      if (!button || sent) return;
      event.preventDefault();
      rank(button);
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Enter" && order.length && !sent) { event.preventDefault(); send(); return; }
    const named = document.querySelectorAll("[data-key]");
    const found = [...named].find((one) => one.dataset.key === event.key);
    if (!found || (event.key === "Enter" && document.activeElement !== document.body)) return;
    event.preventDefault();
    found.click();
  });
})();
