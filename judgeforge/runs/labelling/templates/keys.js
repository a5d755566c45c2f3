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
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const named = document.querySelectorAll("[data-key]");
    const found = [...named].find((one) => one.dataset.key === event.key);
    if (!found || (event.key === "Enter" && document.activeElement !== document.body)) return;
    event.preventDefault();
    found.click();
  });
})();
