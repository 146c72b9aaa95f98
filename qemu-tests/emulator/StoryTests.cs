using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>The story that ./run tells, on one bench.</summary>
public abstract class StoryTests(ITestOutputHelper output)
{
    /// <summary>Tells the story; every check in it must pass.</summary>
    protected void Tell(StoryOptions options)
    {
        StoryResult result = new Story(options, new StepDisplay()).Tell();
        output.WriteLine(result.ToJson().ToString());
        Assert.True(result.Passed, result.Failure ?? string.Join("; ", result.Checks.Where(check => !check.Passed).Select(check => $"not so: {check.Name} ({check.Detail})")));
    }
}
