"""When a model's next request may leave."""
