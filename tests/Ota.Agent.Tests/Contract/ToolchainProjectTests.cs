using System.Xml.Linq;

namespace Ota.Agent.Tests.Contract;

/// <summary>
/// The projects of the real toolchain list their files one by one, and nothing here builds them; this keeps them true.
/// </summary>
public sealed class ToolchainProjectTests
{
    private static readonly string Firmware = Path.Combine(DeviceApi.Repository, "firmware");
    private static readonly XNamespace MsBuild = "http://schemas.microsoft.com/developer/msbuild/2003";

    public static TheoryData<string> Projects => ["Agent", "Esp32", "Recovery", "Sample"];

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_real_project_compiles_the_files_of_its_folder(string project)
    {
        var folder = Path.Combine(Firmware, project);
        var files = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('/', '\\'))
            .Where(file => !file.StartsWith(@"obj\", StringComparison.Ordinal)
                && !file.StartsWith(@"bin\", StringComparison.Ordinal))
            .Select(file => $@"..\..\{project}\{file}")
            .Append("AssemblyInfo.cs")
            .Order(StringComparer.Ordinal);

        Assert.Equal(files, Included(project, "Compile").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_reference_of_the_real_project_is_a_package_of_a_stated_version(string project)
    {
        var packages = XDocument.Load(Path.Combine(Firmware, $"nano/Ota.{project}/packages.config")).Root!.Elements()
            .Select(package => $"{package.Attribute("id")!.Value}.{package.Attribute("version")!.Value}");
        var used = Project(project).Descendants(MsBuild + "HintPath").Select(hint => hint.Value.Split('\\')[2]);

        Assert.Equal(packages.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_real_projects_refer_to_the_versions_that_the_declarations_state()
    {
        var api = DeviceApi.Read();

        Assert.All(Projects, row => Assert.Subset(api.Assemblies, Included(row.Data, "Reference").ToHashSet()));
        Assert.All(Projects.SelectMany(row => Project(row.Data).Descendants(MsBuild + "Reference")), reference =>
        {
            var name = reference.Attribute("Include")!.Value;
            var declared = Path.Combine(Firmware, "contract", name, name + ".cs");
            var version = reference.Element(MsBuild + "HintPath")!.Value.Split('\\')[2].Split('.')[^3..];
            if (File.Exists(declared))
                Assert.Contains($"\"{string.Join('.', version)}.0\"", File.ReadAllText(declared), StringComparison.Ordinal);
        });
    }

    private static IEnumerable<string> Included(string project, string item) =>
        Project(project).Descendants(MsBuild + item).Select(element => element.Attribute("Include")!.Value);

    private static XDocument Project(string project) =>
        XDocument.Load(Path.Combine(Firmware, $"nano/Ota.{project}/Ota.{project}.nfproj"));
}
