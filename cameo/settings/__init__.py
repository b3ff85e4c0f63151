"""Settings: `base` runs on a laptop, `production` refuses to start unless safe, `test` is quick."""
