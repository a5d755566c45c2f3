"""From a run folder to what trainers read: one file a target format, and the dataset card."""
