// One emulator of each kind at a time (collections): each keeps one processor busy, and two of them are what the tests may count on.
[assembly: Xunit.CollectionBehavior(MaxParallelThreads = 2)]
