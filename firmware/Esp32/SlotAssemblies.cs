using System;
using System.Reflection;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>Loads the assemblies of a slot image, each after its HMAC was found good.</summary>
internal sealed class SlotAssemblies
{
    /// <summary>True when the image is one that can be loaded from: its header is whole and fits its size.</summary>
    public bool AreWhole(ReleaseStatement release, ISlot slot) => NanoContainer.Open(slot, release.Size) != null;

    /// <summary>
    /// Loads all of them in their order, each in one array of its own, and returns the last: the entry.
    /// </summary>
    /// <exception cref="ArgumentException">It is no slot image, or a member is damaged.</exception>
    public Assembly Load(ReleaseStatement release, ISlot slot)
    {
        var container = NanoContainer.Open(slot, release.Size);
        Assembly entry = null;
        for (var i = 0; container != null && i < container.Count; i++)
        {
            var member = container.Member(i);
            if (member == null)
                throw new ArgumentException("an assembly is damaged");
            entry = Assembly.Load(member);
        }

        if (entry == null)
            throw new ArgumentException("no slot image");
        return entry;
    }
}
