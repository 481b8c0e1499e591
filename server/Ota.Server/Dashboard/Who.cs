namespace Ota.Server.Dashboard;

/// <summary>The policies of pages, as attributes take them; the same as <see cref="People.SessionCookie.PolicyOf"/> makes.</summary>
public static class Who
{
    public const string Viewer = "page:Viewer";
    public const string Support = "page:Support";
    public const string Developer = "page:Developer";
    public const string Admin = "page:Admin";
}
