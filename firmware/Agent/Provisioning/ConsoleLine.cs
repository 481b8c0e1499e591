using System.Text;

namespace Ota.Agent;

/// <summary>
/// The words of a line on the console, separated by tabs. In a word, <c>\t</c>, <c>\n</c>, <c>\r</c> and <c>\\</c>
/// stand for what would end it.
/// </summary>
internal static class ConsoleLine
{
    private const int MostWords = 8;

    /// <summary>The words of a line without its end; null when it has too many, or a backslash before another sign.</summary>
    public static string[] Words(string line)
    {
        var words = line.Split(new[] { '\t' });
        if (words.Length > MostWords)
            return null;
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = Plain(words[i]);
            if (words[i] == null)
                return null;
        }

        return words;
    }

    /// <summary>A word as it is written into a line.</summary>
    public static string Escaped(string word)
    {
        var escaped = new StringBuilder();
        for (var i = 0; i < word.Length; i++)
        {
            var c = word[i];
            var sign = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
            if (sign != c || c == '\\')
                escaped.Append('\\');
            escaped.Append(sign);
        }

        return escaped.ToString();
    }

    private static string Plain(string word)
    {
        if (word.IndexOf('\\') < 0)
            return word;
        var plain = new StringBuilder();
        for (var i = 0; i < word.Length; i++)
        {
            if (word[i] != '\\')
            {
                plain.Append(word[i]);
                continue;
            }

            var c = ++i < word.Length ? word[i] : '?';
            if (c != '\\' && c != 't' && c != 'n' && c != 'r')
                return null;
            plain.Append(c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c);
        }

        return plain.ToString();
    }
}
