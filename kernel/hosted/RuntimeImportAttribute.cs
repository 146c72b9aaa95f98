using System;

namespace System.Runtime;

/// <summary>Stands in, on the host, for the attribute by which ILC finds an assembled stub.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RuntimeImportAttribute(string entry) : Attribute
{
    /// <summary>The stub's name.</summary>
    public string Entry => entry;
}

/// <summary>Stands in, on the host, for the attribute by which ILC exports a method.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RuntimeExportAttribute(string entry) : Attribute
{
    /// <summary>The exported name.</summary>
    public string Entry => entry;
}
