"""A RunConfig -> a run folder: checked, priced, worked through, recorded.

run.py          configuration -> checks, door, judges, pipeline -> run folder
sequence.py     one `judgeforge run`: its folders one after another
given_prompts.py  prompts that a program gives in memory, as a file of the folder
start.py        what one start of a folder has to do, found out before anything is sent
wiring.py       the parts of a start, opened and connected
answered_before.py  requests that models have answered in earlier starts
work_parts.py   the parts that take prompts through, of one process
door.py         the calls of a whole run, of this process and of its workers
division.py     whether the work is done here, or by workers
session.py      the life of a start: runs, watches, concludes
pipeline.py     the flow of all prompts, many at once
prompt_work.py  one prompt the whole way
equal_draws.py  notices a model that ignores the temperature
concluding.py   how a prompt ends: pairs, or a named skip
own_criteria.py  what a prompt is judged by of its own
audit_stop.py   stops a run whose pairs by design are too seldom right
admission.py    which prompts may still begin with the money left
first_prompts.py  which go alone, until judges could be read
fit.py          the reliability of judges, learnt once and then frozen
record.py       what a run leaves behind
manifest.py     what `manifest.json` says
remarks.py      what a run says besides how it ended
progress.py     how far a run has come, and what holds it up
progress_shown.py  the same, shown to whoever calls from Python: terminal, notebook, file
result.py       how a start ended, for programs and in one line
watching.py     follows a run that another process makes, until it ends
followed_run.py  how such a run stands, from what is new in its files
on_finish.py    tells a command or a webhook how a run ended
folders.py      where a run goes; a folder a day
signals.py      what Ctrl-C, SIGTERM and a closed terminal do to a run
telemetry.py    spans of a run and its prompts, where the user has OpenTelemetry
garbage.py      how often Python looks for garbage meanwhile
own_thread.py   a run inside an event loop that is already running (a notebook)
cluster/        a run in several processes, on one machine or many
planning/       `plan`, `check`, `preview`: what a run would do, cost and send
doctor/         what this machine and the models' servers can do, before a run
cost_estimates/  what the calls of a run will cost, before one is made
preparation/    what every start needs before its first paid call
validation/     what is wrong with a configuration and its input, told before a call
measurement/    judges measured on labels
reward/         the judges as the reward function of a trainer
labelling/      the page on which a person labels

One start, from its command to its exit code:

1. preparation/ reads configuration, rubric, keys, prices and every row, validation/ says what is
   wrong with them; a mistake ends it here. cost_estimates/ says what each prompt will cost.
2. The folder is locked, and what an earlier start left is compared with what is asked for now.
3. wiring opens the files, the door and the judges; session begins the pipeline and watches it.
4. Each prompt is admitted, sampled, judged, ranked and paired on its own, many at a time. The first
   ones wait until the judges are fitted.
5. A stop (budget, provider, interrupt, disk) starts nothing new and lets calls in flight end.
6. record writes the result files from the journal, proves that nothing vanished, and has the
   manifest, the card and the report written from one set of figures.

How it ends, as the exit code says (errors.py, result.py):

0    all prompts are done, as pairs or as named skips
2    a mistake in command, configuration or input; nothing was sent
3    a limit of the user's: the budget is used up, or the audit fell below `pairing.stop_below`
4    a provider refused; 74: folder or disk failed; 130: interrupted
5    finished, but more prompts failed than `limits.max_skip_share` allows
6    only batches are waited for, and the run was told not to (`--no-wait`)
75   another run holds the folder
"""
