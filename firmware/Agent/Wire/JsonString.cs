using System.Text;

namespace Ota.Agent;

/// <summary>
/// The slow path of JSON strings: escapes and strict UTF-8 (RFC 3629), so that no two readers see different text.
/// </summary>
internal static class JsonString
{
    /// <summary>Reads from behind the opening quote to behind the closing one.</summary>
    /// <exception cref="JsonRefusedException">It is not a well-formed string.</exception>
    public static string Read(byte[] text, int end, ref int at)
    {
        var read = new StringBuilder();
        while (true)
        {
            if (at >= end)
                throw new JsonRefusedException("a string without an end");
            int b = text[at++];
            if (b == '"')
                return read.ToString();
            if (b < 0x20)
                throw new JsonRefusedException("a control character");
            if (b == '\\')
                Escape(text, end, ref at, read);
            else if (b < 0x80)
                read.Append((char)b);
            else
                Append(read, Utf8(text, end, ref at, b));
        }
    }

    private static void Escape(byte[] text, int end, ref int at, StringBuilder read)
    {
        if (at >= end)
            throw new JsonRefusedException("a string without an end");
        int c = text[at++];
        switch (c)
        {
            case '"':
            case '\\':
            case '/':
                read.Append((char)c);
                return;
            case 'b':
                read.Append('\b');
                return;
            case 'f':
                read.Append('\f');
                return;
            case 'n':
                read.Append('\n');
                return;
            case 'r':
                read.Append('\r');
                return;
            case 't':
                read.Append('\t');
                return;
            case 'u':
                break;
            default:
                throw new JsonRefusedException("an unknown escape");
        }

        var unit = Unit(text, end, ref at);
        if (unit >= 0xdc00 && unit <= 0xdfff)
            throw new JsonRefusedException("half a surrogate pair");
        read.Append((char)unit);
        if (unit < 0xd800 || unit > 0xdbff)
            return;
        if (at + 1 >= end || text[at] != '\\' || text[at + 1] != 'u')
            throw new JsonRefusedException("half a surrogate pair");
        at += 2;
        var low = Unit(text, end, ref at);
        if (low < 0xdc00 || low > 0xdfff)
            throw new JsonRefusedException("half a surrogate pair");
        read.Append((char)low);
    }

    private static int Unit(byte[] text, int end, ref int at)
    {
        if (end - at < 4)
            throw new JsonRefusedException("a string without an end");
        var unit = 0;
        for (var i = 0; i < 4; i++)
        {
            int c = text[at++];
            var lower = c | 0x20;
            if (c >= '0' && c <= '9')
                unit = unit * 16 + c - '0';
            else if (lower >= 'a' && lower <= 'f')
                unit = unit * 16 + lower - 'a' + 10;
            else
                throw new JsonRefusedException("an escape that is not hex");
        }

        return unit;
    }

    private static int Utf8(byte[] text, int end, ref int at, int first)
    {
        int more, least, point;
        if (first >= 0xc2 && first <= 0xdf)
        {
            more = 1;
            least = 0x80;
            point = first & 0x1f;
        }
        else if (first >= 0xe0 && first <= 0xef)
        {
            more = 2;
            least = 0x800;
            point = first & 0x0f;
        }
        else if (first >= 0xf0 && first <= 0xf4)
        {
            more = 3;
            least = 0x10000;
            point = first & 0x07;
        }
        else
        {
            throw new JsonRefusedException("not UTF-8");
        }

        for (; more > 0; more--)
        {
            if (at >= end || (text[at] & 0xc0) != 0x80)
                throw new JsonRefusedException("not UTF-8");
            point = (point << 6) | (text[at++] & 0x3f);
        }

        if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            throw new JsonRefusedException("not UTF-8");
        return point;
    }

    private static void Append(StringBuilder read, int point)
    {
        if (point < 0x10000)
        {
            read.Append((char)point);
            return;
        }

        read.Append((char)(0xd800 + ((point - 0x10000) >> 10)));
        read.Append((char)(0xdc00 + ((point - 0x10000) & 0x3ff)));
    }
}
