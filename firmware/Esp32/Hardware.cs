using System;
using System.Threading;
using nanoFramework.Runtime.Native;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>The system clock, set from the server's Date; the chip loses it at every start.</summary>
internal sealed class DeviceClock : IClock
{
    private readonly long _started = Milliseconds;
    private bool _set;

    public static long Milliseconds => Environment.TickCount64;

    public long Now => _set ? DateTime.UtcNow.ToUnixTimeSeconds() : 0;

    public long Uptime => (Milliseconds - _started) / 1000;

    public void Set(long unixSeconds) => _set = Rtc.SetSystemTime(DateTime.FromUnixTimeSeconds(unixSeconds)) || _set;
}

/// <summary>Restart, memory and chance of the chip.</summary>
internal sealed class DevicePower : IPower
{
    private const int Forever = -1;

    private readonly Random _random = new Random();

    public int FreeMemory => (int)nanoFramework.Runtime.Native.GC.Run(false);

    public void Restart()
    {
        Power.RebootDevice(RebootOption.NormalReboot);

        // The restart is asked of the system and comes a moment later; nothing may run on until then.
        Thread.Sleep(Forever);
    }

    public int Random(int below) => _random.Next(below);
}
