namespace Ota.EndToEnd.Tests.Cli;

public sealed class ImageTests : IDisposable
{
    private static readonly string Entry = Built.Vector("entry.pe");
    private static readonly string Library = Built.Vector("library.pe");
    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public ImageTests() => _ota = new OtaCommand(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Packed_assemblies_are_a_slot_image_that_can_be_inspected_and_signed()
    {
        var packed = await _ota.RunAsync("image", "pack", "--entry", Entry, "--member", Library, "--out", "app.img");
        packed.Succeeded();
        Assert.Contains("Packed Kitchen.Thermostat in app.img.", packed.Out, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Built.Vector("slot-image.bin")), File.ReadAllBytes(_folder["app.img"]));

        var inspected = (await _ota.RunAsync("image", "inspect", "app.img", "--json")).Succeeded().Json;
        Assert.Equal("nano", inspected.GetProperty("format").GetString());
        Assert.Equal(
            ["Kitchen.Sensors", "Kitchen.Thermostat"],
            inspected.GetProperty("members").EnumerateArray().Select(member => member.GetProperty("name").GetString()));

        var signed = await _ota.RunAsync(
            "sign", "thermostat", "1.1.0", "app.img", "--key", Built.Vector("TEST-ONLY-release-key.pem"), "--hardware", "esp32", "--json");
        Assert.Equal("nano", signed.Succeeded().Json.GetProperty("format").GetString());
        Assert.Equal("", signed.Error);
    }

    [Fact]
    public async Task Packing_again_replaces_the_file_and_leaves_nothing_else()
    {
        File.WriteAllText(_folder["app.img"], "an older one");

        (await _ota.RunAsync("image", "pack", "--entry", Entry, "--out", "app.img")).Succeeded();

        Assert.Equal([_folder["app.img"]], Directory.GetFiles(_folder.Path));
        (await _ota.RunAsync("image", "inspect", "app.img")).Succeeded();
    }

    [Fact]
    public async Task A_damaged_image_is_shown_and_exits_1()
    {
        var damaged = File.ReadAllBytes(Built.Vector("slot-image.bin"));
        damaged[2000] ^= 1;
        File.WriteAllBytes(_folder["app.img"], damaged);

        var result = await _ota.RunAsync("image", "inspect", "app.img");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("its member 2", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no nanoFramework assembly", "image.bin")]
    [InlineData("a slot image already", "slot-image.bin")]
    [InlineData("There is no file", "nowhere.pe")]
    [InlineData("in the image already", "entry.pe", "entry.pe")]
    [InlineData("at most 16 assemblies", "entry.pe", "library.pe*16")]
    public async Task What_cannot_be_packed_is_wrong_usage_and_writes_nothing(string said, string entry, string? member = null)
    {
        var (name, count) = member?.Split('*') is [var file, var times] ? (file, int.Parse(times, null)) : (member, 1);
        string[] members = name is null ? [] : [.. Enumerable.Repeat((string[])["--member", Built.Vector(name)], count).SelectMany(m => m)];

        var result = await _ota.RunAsync(["image", "pack", "--entry", Built.Vector(entry), "--out", "app.img", .. members]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["app.img"]));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_named()
    {
        var result = await _ota.RunAsync("image", "pack", "--entry", Entry, "--out", "nowhere/app.img");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("There is no folder", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bare_assembly_is_signed_with_a_warning_that_says_what_to_do()
    {
        var signed = await _ota.RunAsync(
            "sign", "thermostat", "1.1.0", Entry, "--out", "entry.jws",
            "--key", Built.Vector("TEST-ONLY-release-key.pem"), "--hardware", "esp32");

        Assert.Contains("ota image pack", signed.Succeeded().Error, StringComparison.Ordinal);
    }
}
