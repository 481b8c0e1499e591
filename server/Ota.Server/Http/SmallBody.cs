using Microsoft.AspNetCore.Http.Metadata;

namespace Ota.Server.Http;

/// <summary>A bound on a call's body, in bytes, that the framework holds before binding.</summary>
internal sealed class SmallBody(long most) : IRequestSizeLimitMetadata
{
    public long? MaxRequestBodySize => most;
}
