using System.Collections.Generic;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>Something that is wrong with the configuration.</summary>
/// <param name="Line">The line number, from 1; 0 if it is not about one line.</param>
/// <param name="Message">One sentence for the user.</param>
public sealed record ConfigurationError(int Line, string Message)
{
    /// <summary>The error as compilers write them.</summary>
    public string Format(string file) => Line == 0 ? $"{file}: {Message}" : $"{file}:{Line}: {Message}";

    /// <summary>What ends the program: a line for each error.</summary>
    public static ControlException Problem(IEnumerable<ConfigurationError> errors, string file) =>
        new(ExitCode.Usage, string.Join("\n", errors.Select(error => error.Format(file))));
}
