"""What the command line shows. What models wrote is data: shown, never interpreted."""
