using System.Text;
using Mono.Cecil;

namespace Ota.Agent.Tests.Contract;

/// <summary>
/// What exists on the device: <c>firmware/contract/nanoframework-v1-api.txt</c>, one member a line in Mono.Cecil's
/// spelling, under a heading for each assembly and a line for each type.
/// </summary>
internal sealed class DeviceApi
{
    private static readonly string[] Modifiers = ["static", "virtual", "abstract", "protected", "const"];

    private readonly HashSet<string> _known = [];

    private DeviceApi()
    {
    }

    public HashSet<string> Assemblies { get; } = [];

    /// <summary>The folder of the repository that holds Ota.sln.</summary>
    public static string Repository { get; } = FindRepository();

    public static DeviceApi Read()
    {
        var api = new DeviceApi();
        var assembly = "";
        foreach (var line in File.ReadLines(Path.Combine(Repository, "firmware/contract/nanoframework-v1-api.txt")))
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
                api.Assemblies.Add(assembly = line.Split(' ')[1]);
            else if (line.StartsWith(' '))
                api._known.Add($"{assembly}|{WithoutModifiers(line.Trim())}");
            else if (line.Length > 0)
                api._known.Add($"{assembly}|{line.Split(" : ")[0].Split(' ')[^1]}");
        }

        return api;
    }

    /// <summary>True when the assembly has a type, or a member, of this full name.</summary>
    public bool Has(string assembly, string fullName) => _known.Contains($"{assembly}|{fullName}");

    public bool Has(TypeReference type) => Has(type.Scope.Name, type.FullName);

    public bool Has(MemberReference member) => Has(member.DeclaringType.Scope.Name, member.FullName);

    private static string WithoutModifiers(string member)
    {
        var name = new StringBuilder(member);
        while (Modifiers.FirstOrDefault(m => name.ToString().StartsWith(m + " ", StringComparison.Ordinal)) is { } one)
            name.Remove(0, one.Length + 1);
        var text = name.ToString();
        var value = text.IndexOf(" = ", StringComparison.Ordinal);
        return value < 0 ? text : text[..value];
    }

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Ota.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Ota.sln is nowhere above.");
        return folder;
    }
}
