"""The jobs, a module each: ``measure(rounds, accounts)`` returns a `benchmarks.result.Result`."""
