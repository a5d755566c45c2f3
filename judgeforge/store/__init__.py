"""The run folder on disk: what must survive kill -9 and a power cut.

folder.py           where its files are, how results are written, what is not a run folder
atomic_files.py     writing files so that no reader sees half of one
durable_files.py    files that only grow, and files whose places are overwritten
disk_sync.py        forces what a run writes onto the disk, once a second
on_disk.py          how much is there for certain, and whether the machine stopped since
appended_rows.py    reading files of rows back as far as they can be trusted
followed_lines.py   reading them while another process appends to them
json_lines.py       reading JSON-lines files back, line by line
journal.py          finished prompts in the order in which they finish, and by their id
best_pairs.py       the same with the best pairs of the run, where only these count
audited_pairs.py    the journal with what the audit says of pairs by design
finished_prompt.py  how one prompt ended, as lines of the files
own_criteria.py     criteria of a prompt's own, beside its pairs or its skip
evidence_rows.py    rows of completions and judgments, also those that earlier versions wrote
known_rows.py       what reading the input has found, for the next start
spending.py         what the folder has spent
leases.py           reservations that workers hold, and which of them no call has
batches.py          batches that may have been bought, and their requests
counters.py         what the last prompts cost, for the next start
manifest.py         what `manifest.json` says of a run
fit.py              the frozen fit of the judges
judge_replies.py    whether its judges could be read, and in which form they are asked
log.py              `log.jsonl`
lock.py             one run at a time on a folder
pair_columns.py     which columns the pairs have beyond those that all pairs have
pictures.py         pictures of rows: bounded, and known by their bytes
audit.py            the proof at the end that nothing vanished

What writes each file of the folder:

pairs, completions, judgments, skips (.jsonl)   from the journal, at the end of each start
pairs.parquet, README.md, report.html           from those, by results/
manifest.json                                   at the beginning and at the end of each start
log.jsonl                                       a line for each attempt, as it ends
given-prompts.jsonl                             prompts given in memory, before they are read
state/journal.bin                               a record for each finished prompt: the truth
state/spending.jsonl                            the money: a row for each change
state/cached-calls, state/prompt-costs          counters, overwritten in place
state/batches.jsonl, state/batch-*              batches under way: a row for each step, their files
state/reliability.json                          the judges, once they are fitted
state/judge-replies.json                        the judges, when each is read for the first time
state/known-rows.bin                            after an input of some size was read whole
state/leases.jsonl, state/used-numbers-*        while there are workers: reservations, their use
state/on-disk.json                              how much of the others is safe, overwritten in place
state/lock                                      held while a run is going on

A journal record is a header line (JSON: id, digest, how many lines of each file, bytes) and then
the finished lines themselves. A spending row is one of these, in picodollars; what is
reserved and never closed counts as paid whole:

["reserved", number, amount]
["settled", number, amount, input tokens, output tokens]
["released", number]

A process may be killed at any moment: a file that grows loses at most its torn end, one that is
overwritten has the old content or the new, and everything else is replaced as a whole. A full disk
leaves no half record either; it stops the run in an orderly way (exit 74). A power cut may take or
damage what was written in the last second: such records are left out and made again.
"""
