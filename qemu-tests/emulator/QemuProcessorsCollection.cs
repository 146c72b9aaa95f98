using Xunit;

namespace Hv.EmulatorTests;

/// <summary>What is special about <see cref="Collections.QemuProcessors"/>.</summary>
[CollectionDefinition(Collections.QemuProcessors, DisableParallelization = true)]
public sealed class QemuProcessorsCollection;
