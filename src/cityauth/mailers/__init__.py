"""Ready-made mailers: SMTP, and one that keeps mails in memory."""
