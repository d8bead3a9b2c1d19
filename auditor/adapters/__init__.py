"""Everything that touches the outside: AWS, the database, Slack."""
