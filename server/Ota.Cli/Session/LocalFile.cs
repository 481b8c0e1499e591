namespace Ota.Cli.Session;

/// <summary>Reads what the user named on the command line, with a sentence when that cannot be.</summary>
internal static class LocalFile
{
    private const int MostCharacters = 256 * 1024;

    /// <summary>A small text file: a key, a statement.</summary>
    public static string Text(string path)
    {
        using var file = Open(path);
        return file.Length > MostCharacters
            ? throw FailureException.Usage($"{path} is {file.Length:N0} bytes, too large for a key or a statement.")
            : new StreamReader(file).ReadToEnd();
    }

    /// <summary>For reading; others may read it meanwhile but not write it.</summary>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw FailureException.Usage($"There is no file {path}.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw FailureException.Usage($"{path} cannot be read: {fault.Message}");
        }
    }

    /// <summary>Writes a file whole or not at all; an older one is replaced.</summary>
    public static void Write(string path, byte[] content)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
            throw FailureException.Usage($"There is no folder {folder}.");
        var temporary = Path.Combine(folder, "." + Guid.NewGuid().ToString("N"));
        try
        {
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw FailureException.Usage($"{path} cannot be written: {fault.Message}");
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
