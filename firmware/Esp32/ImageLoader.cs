using System;
using System.Reflection;
using System.Threading;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// Starts what a slot holds, after the agent found every chunk to be the signed one. Nothing that was loaded can be
/// unloaded: a restart ends it. Whatever a payload throws stays here and is a crash of the payload.
/// </summary>
internal sealed class ImageLoader : ILoader, IPins
{
    // How long a new application is watched before it counts as started; later crashes end its thread only.
    private const int WatchMilliseconds = 2_000;

    private readonly SlotAssemblies _assemblies = new SlotAssemblies();
    private Application _application;
    private bool _crashed;

    public bool Ready => _application != null && _application.Works && !_crashed;

    public bool CanStart(ReleaseStatement release, ISlot slot) => _assemblies.AreWhole(release, slot);

    public bool Start(ReleaseStatement release, ISlot slot, SlotState state)
    {
        try
        {
            _application = Entry(release, slot, typeof(Application)) as Application;
        }
        catch (Exception)
        {
            return false;
        }

        if (_application == null)
            return false;
        new Thread(RunApplication).Start();
        Thread.Sleep(WatchMilliseconds);
        return !_crashed;
    }

    public bool RunRecovery(ReleaseStatement release, ISlot slot, CredentialClearing clearing)
    {
        try
        {
            if (!(Entry(release, slot, typeof(RecoveryImage)) is RecoveryImage image))
                return false;
            image.Run(clearing);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    public PinWrite Next() => _application == null ? null : _application.TakeWrite();

    public void Written(int pin, string value)
    {
        try
        {
            if (_application != null && !_crashed)
                _application.Tell(pin, value);
        }
        catch (Exception)
        {
            _crashed = true;
        }
    }

    private object Entry(ReleaseStatement release, ISlot slot, Type kind)
    {
        var entry = _assemblies.Load(release, slot);
        var types = entry.GetTypes();
        for (var i = 0; i < types.Length; i++)
        {
            if (types[i].IsSubclassOf(kind) && !types[i].IsAbstract)
                return types[i].GetConstructor(new Type[0]).Invoke(null);
        }

        return null;
    }

    private void RunApplication()
    {
        try
        {
            _application.Run();
        }
        catch (Exception)
        {
            _crashed = true;
        }
    }
}
