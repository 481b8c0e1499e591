using System.Globalization;

namespace Ota.Agent.Tests.Lab;

/// <summary>
/// HTTP without a wire: each call is answered at once by the desk, so a device lives through a flow in a millisecond.
/// </summary>
/// <param name="isBad">
/// True when every third call fails: in turn before the desk hears of it, and after, when only the answer is lost.
/// </param>
internal sealed class InstantHttp(ProtocolDesk desk, bool isBad = false) : IHttp
{
    private int _calls;

    public IHttpAnswer Send(HttpCall call)
    {
        _calls++;
        if (isBad && _calls % 6 == 3)
            throw new HttpFaultException("no route");
        var path = call.Url.StartsWith("http://", StringComparison.Ordinal) ? new Uri(call.Url).AbsolutePath : call.Url;
        var answer = desk.Handle(new Asked(call.Method, path, call.Authorization, call.From, call.Body ?? []));
        if (isBad && _calls % 6 == 0)
            throw new HttpFaultException("the answer is lost");
        answer.Headers["Date"] = DateTimeOffset.FromUnixTimeSeconds(desk.Now).ToString("R", null);
        answer.Headers["Content-Length"] = answer.Body.Length.ToString(CultureInfo.InvariantCulture);
        return new Answer(answer);
    }

    private sealed class Answer(Answered answered) : IHttpAnswer
    {
        private int _read;

        public int Status => answered.Status;

        public string? Header(string name) => answered.Headers.GetValueOrDefault(name);

        public int Read(byte[] buffer, int offset, int count)
        {
            count = Math.Min(count, answered.Body.Length - _read);
            answered.Body.AsSpan(_read, count).CopyTo(buffer.AsSpan(offset));
            _read += count;
            return count;
        }

        public void Dispose()
        {
        }
    }
}
