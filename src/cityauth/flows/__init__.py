"""What happens, in order: generators that ask ports. One file for each use case."""
