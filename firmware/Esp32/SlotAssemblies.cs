using System;
using System.Reflection;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>An image's assemblies: here one plain .pe, read into memory whole, as the interpreter wants it.</summary>
internal sealed class SlotAssemblies
{
    // "NFMRK": how every assembly of the interpreter begins.
    private static readonly byte[] Mark = { 0x4e, 0x46, 0x4d, 0x52, 0x4b };

    /// <summary>True when the image begins as the interpreter's assemblies do.</summary>
    public bool AreWhole(ReleaseStatement release, ISlot slot)
    {
        var head = new byte[Mark.Length];
        if (release.Size < head.Length || !slot.Read(0, head))
            return false;
        for (var i = 0; i < Mark.Length; i++)
        {
            if (head[i] != Mark[i])
                return false;
        }

        return true;
    }

    /// <summary>Loads all of them and returns the entry.</summary>
    public Assembly Load(ReleaseStatement release, ISlot slot)
    {
        var image = new byte[(int)release.Size];
        if (!AreWhole(release, slot) || !slot.Read(0, image))
            throw new ArgumentException("no assembly");
        return Assembly.Load(image);
    }
}
