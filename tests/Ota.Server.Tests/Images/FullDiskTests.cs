using System.Diagnostics;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

public sealed class FullDiskTests(Azurite azurite)
{
    [Fact]
    public void A_full_disk_is_told_from_every_other_fault()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full, the disk that is always full, is Linux's.");
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);

        var fault = Assert.ThrowsAny<IOException>(() => RandomAccess.Write(full, new byte[4096], 0));

        Assert.True(StorageFullException.Explains(fault));
        Assert.False(StorageFullException.Explains(new FileNotFoundException()));
        Assert.False(StorageFullException.Explains(new IOException("The connection was reset.")));
    }

    [Fact]
    public async Task An_upload_that_fills_the_disk_says_so_and_leaves_the_room_to_others()
    {
        using var disk = SmallDisk.Mount();
        await FillsAsync(disk, new DiskImageStore(Path.Combine(disk.Path, "images")));
    }

    [Fact]
    public async Task So_does_one_that_waits_for_Azure_on_a_disk_that_is_too_small()
    {
        using var disk = SmallDisk.Mount();
        var incoming = new IncomingFolder(Path.Combine(disk.Path, "images"));
        var container = await azurite.ContainerAsync(azurite.NewContainer());
        await FillsAsync(disk, new BlobImageStore(container, incoming, ImageLinks.Server, TimeProvider.System));
    }

    private static async Task FillsAsync(SmallDisk disk, IImageStore store)
    {
        var tooMuch = AnImage.Of(8 << 20);
        var little = AnImage.Of(2 << 20);
        var now = TestContext.Current.CancellationToken;
        await store.PrepareAsync(now);

        await Assert.ThrowsAsync<StorageFullException>(
            () => store.StageAsync(new MemoryStream(tooMuch), AnImage.Describe(tooMuch), tooMuch.Length, now));

        Assert.Empty(Directory.GetFiles(disk.Path, "*", SearchOption.AllDirectories));
        var result = await store.StageAsync(new MemoryStream(little), AnImage.Describe(little), little.Length, now);
        await using var staged = result.Image!;
        await store.CommitAsync(staged, now);
        Assert.True(await store.ExistsAsync(staged.Description.Sha256, now));
    }

    /// <summary>4 MiB of memory as a disk. Needs root, or sudo without a password as CI machines have it.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly string[] _root;

        private SmallDisk(string[] root) => _root = root;

        public string Path => _folder.Path;

        public static SmallDisk Mount()
        {
            foreach (string[] root in new string[][] { [], ["sudo", "-n"] })
            {
                var disk = new SmallDisk(root);
                if (Run([.. root, "mount", "-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs", disk.Path]))
                    return disk;
                disk._folder.Dispose();
            }

            Assert.Skip("Mounting a small disk needs Linux and root (or sudo without a password).");
            throw new UnreachableException();
        }

        public void Dispose()
        {
            Assert.True(Run([.. _root, "umount", Path]));
            _folder.Dispose();
        }

        private static bool Run(string[] command)
        {
            try
            {
                using var process = Process.Start(
                    new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
                process.StandardError.ReadToEnd();
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;
            }
        }
    }
}
