using Xunit.Abstractions;
using Xunit.Sdk;

namespace Hv.EmulatorTests;

/// <summary>Lets the tests that start shadows come last: what they break would break the others.</summary>
public sealed class ShadowsLast : ITestCaseOrderer
{
    public IEnumerable<TTestCase> OrderTestCases<TTestCase>(IEnumerable<TTestCase> testCases) where TTestCase : ITestCase =>
        testCases.OrderBy(test => test.TestMethod.Method.Name.StartsWith("A_shadow_", StringComparison.Ordinal) ? 1 : 0).ThenBy(test => test.DisplayName, StringComparer.Ordinal);
}
