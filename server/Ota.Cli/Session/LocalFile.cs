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
}
