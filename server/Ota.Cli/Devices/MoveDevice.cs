using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Devices;

/// <summary><c>ota device group</c></summary>
internal static class MoveDevice
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };

    private static readonly Argument<string?> Group = new("group")
    {
        Description = "The group to move it to.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> None = new("--none") { Description = "Take it out of its group." };

    public static Command Command { get; } = new Verb("group", "Move a device to a group, or out of one.", RunAsync) { Id, Group, None };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var group = call.Find(Group);
        if (group is null != call.Get(None))
            throw FailureException.Usage("Give a group or --none, one of them.");
        if (group is not null)
            Arguments.Named("group", group);
        var device = await call.Api.PutAsync<GroupChange, Device>(
            ApiPath.Of($"devices/{call.Get(Id)}/group"), new GroupChange(group), cancellation);
        call.Screen.Show(device, screen => screen.Line(
            new Cell(device.Id, Tone.Strong), device.Group is null ? " is in no group." : $" is in the group {device.Group}."));
    }
}
