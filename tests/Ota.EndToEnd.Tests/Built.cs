namespace Ota.EndToEnd.Tests;

/// <summary>Where this build put the programs under test: the same configuration and framework as this test assembly.</summary>
internal static class Built
{
    public static string Cli => Output("server/Ota.Cli", "ota.dll");

    public static string Server => Output("server/Ota.Server", "Ota.Server.dll");

    /// <summary>A file of the repository.</summary>
    public static string File(string path) => Path.Combine(Root(), path);

    public static string Vector(string name) => Path.Combine(Root(), "tests", "vectors", name);

    private static string Output(string project, string assembly)
    {
        // …/tests/Ota.EndToEnd.Tests/bin/<configuration>/<framework>/
        var framework = new DirectoryInfo(AppContext.BaseDirectory);
        var file = Path.Combine(Root(), project, "bin", framework.Parent!.Name, framework.Name, assembly);
        return System.IO.File.Exists(file) ? file : throw new FileNotFoundException("Build it first: " + project, file);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder.FullName, "Ota.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("Ota.sln is in no folder above this test.");
        return folder.FullName;
    }
}
