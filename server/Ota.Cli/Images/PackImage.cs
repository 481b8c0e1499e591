using System.CommandLine;
using System.Security.Cryptography;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Images;
using Ota.Images.Formats;

namespace Ota.Cli.Images;

/// <summary><c>ota image pack</c></summary>
internal static class PackImage
{
    // Far more than the heap of any device that would load it.
    private const int MostBytes = 4 * 1024 * 1024;

    private static readonly Option<string> Entry = new("--entry")
    {
        Description = "The assembly (.pe) with your application's class.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<string[]> Members = new("--member")
    {
        Description = "An assembly (.pe) the entry uses and the bootstrap does not bring. Repeat it; what others need comes first.",
        HelpName = "file",
    };

    private static readonly Option<string> Out = new("--out")
    {
        Description = "Where to write the slot image; an older file is replaced.",
        HelpName = "file",
        Required = true,
    };

    public static Command Command { get; } = new Verb(
        "pack", "Make a slot image of nanoFramework assemblies, to be pushed as a release.", RunAsync)
    {
        Entry,
        Members,
        Out,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        string[] files = [.. call.Get(Members) ?? [], call.Get(Entry)!];
        if (files.Length > NanoContainer.MostMembers)
            throw FailureException.Usage($"A slot image holds at most {NanoContainer.MostMembers} assemblies; these are {files.Length}.");
        var assemblies = new List<(byte[] Bytes, string? Name)>();
        foreach (var file in files)
        {
            var assembly = await ReadAsync(file, cancellation);
            if (assembly.Name is { } name && assemblies.Exists(other => other.Name == name))
                throw FailureException.Usage($"{file} is assembly {name}, which is in the image already.");
            assemblies.Add(assembly);
        }

        var image = NanoContainer.Pack([.. assemblies.Select(assembly => assembly.Bytes)]);
        var target = call.Get(Out)!;
        LocalFile.Write(target, image);
        var facts = ImageInspector.Inspect(new MemoryStream(image));
        var inspected = Inspected.Of(target, image.Length, Convert.ToHexStringLower(SHA256.HashData(image)), facts);
        call.Screen.Show(inspected, screen =>
        {
            screen.Line("Packed ", new Cell(facts.Project ?? Path.GetFileName(files[^1]), Tone.Strong), $" in {target}.");
            inspected.Write(screen);
        });
    }

    private static async Task<(byte[] Bytes, string? Name)> ReadAsync(string file, CancellationToken cancellation)
    {
        await using var stream = LocalFile.Open(file);
        if (stream.Length > MostBytes)
            throw FailureException.Usage($"{file} is {stream.Length:N0} bytes, too large for an assembly.");
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, cancellation);
        var facts = ImageInspector.Inspect(new MemoryStream(bytes));
        return facts switch
        {
            { Format: not ImageFacts.Nano } => throw FailureException.Usage(
                $"{file} is no nanoFramework assembly. Give the .pe that the nanoFramework build makes beside the .dll."),
            { Members: not null } => throw FailureException.Usage($"{file} is a slot image already."),
            { Defect: { } defect } => throw FailureException.Usage($"{file} {defect}"),
            _ => (bytes, facts.Project),
        };
    }
}
