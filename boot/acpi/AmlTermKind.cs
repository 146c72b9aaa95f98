namespace Hv.Boot.Acpi;

/// <summary>The terms of AML that <see cref="AmlTerms"/> finds.</summary>
public enum AmlTermKind
{
    /// <summary>Scope: what is in the body is below the path.</summary>
    Scope,
    /// <summary>Device.</summary>
    Device,
    /// <summary>Method; its body is not looked into.</summary>
    Method,
    /// <summary>A named object; the body begins with its data.</summary>
    Name,
}
