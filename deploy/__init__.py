"""How Flagtrail gets into an AWS account: the templates, and the packages they deploy."""
