"""What the bot says about itself: its row in wabot_sessions, `wabot status`, metrics."""
