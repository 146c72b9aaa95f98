// Emulators share two cores with the host: two at once would only make each other's times worthless.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
