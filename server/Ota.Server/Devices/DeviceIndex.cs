namespace Ota.Server.Devices;

/// <summary>
/// Devices by a text of theirs. A text never changes and a device never leaves, so an array that is probed in turn is enough; a dictionary's node
/// for each would be a fifth of what a device takes. Readers never wait.
/// </summary>
internal sealed class DeviceIndex(Func<Device, string> textOf)
{
    private const int Smallest = 1024;
    private readonly Lock _change = new();
    private Place[] _places = new Place[Smallest];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Every device there is now, in no order.</summary>
    public IEnumerable<Device> All
    {
        get
        {
            var places = Volatile.Read(ref _places);
            for (var i = 0; i < places.Length; i++)
            {
                if (Volatile.Read(ref places[i].Device) is { } device)
                    yield return device;
            }
        }
    }

    public Device? Find(string text)
    {
        var (places, hash) = (Volatile.Read(ref _places), string.GetHashCode(text, StringComparison.Ordinal));
        for (var i = hash & (places.Length - 1); Volatile.Read(ref places[i].Device) is { } device; i = (i + 1) & (places.Length - 1))
        {
            if (places[i].Hash == hash && textOf(device) == text)
                return device;
        }

        return null;
    }

    /// <summary>All whose text this is.</summary>
    public IEnumerable<Device> FindAll(string text)
    {
        var (places, hash) = (Volatile.Read(ref _places), string.GetHashCode(text, StringComparison.Ordinal));
        for (var i = hash & (places.Length - 1); Volatile.Read(ref places[i].Device) is { } device; i = (i + 1) & (places.Length - 1))
        {
            if (places[i].Hash == hash && textOf(device) == text)
                yield return device;
        }
    }

    /// <summary>Adds a device beside those that have the same text.</summary>
    public void Add(Device device)
    {
        lock (_change)
            Insert(device);
    }

    /// <summary>Adds a device unless one has its text; the one that is there then.</summary>
    public Device GetOrAdd(Device device)
    {
        lock (_change)
        {
            if (Find(textOf(device)) is { } there)
                return there;
            Insert(device);
            return device;
        }
    }

    private void Insert(Device device)
    {
        if (_count >= _places.Length / 4 * 3)
            Grow();
        Put(_places, new Place { Device = device, Hash = string.GetHashCode(textOf(device), StringComparison.Ordinal) });
        Volatile.Write(ref _count, _count + 1);
    }

    private void Grow()
    {
        var larger = new Place[_places.Length * 2];
        foreach (var place in _places)
        {
            if (place.Device is not null)
                Put(larger, place);
        }

        Volatile.Write(ref _places, larger);
    }

    private static void Put(Place[] places, Place place)
    {
        var i = place.Hash & (places.Length - 1);
        while (places[i].Device is not null)
            i = (i + 1) & (places.Length - 1);
        places[i].Hash = place.Hash;
        // Last: a reader takes the hash for good once the device is there.
        Volatile.Write(ref places[i].Device, place.Device);
    }

    private struct Place
    {
        public Device? Device;
        public int Hash;
    }
}
