using System.Diagnostics;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Jobs;

/// <summary>Something that a schedule has to end, and patience.</summary>
internal static class Due
{
    /// <summary>A device with a recovery that nobody fetches.</summary>
    public static async Task<ADevice> ArmedAsync(RunningServer server)
    {
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        await device.HeldAsync();
        var rescue = ABuild.Of("9.0.0", "recovery");
        await server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await server.PostAsync($"api/v1/devices/{device.Id}/recover", new { reason = "new router" });
        return device;
    }

    /// <param name="patience">In seconds.</param>
    public static async Task UntilAsync(Func<Task<bool>> isSo, int patience = 20)
    {
        var waited = Stopwatch.StartNew();
        while (!await isSo())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(patience), "it never came");
            await Task.Delay(50);
        }
    }
}
