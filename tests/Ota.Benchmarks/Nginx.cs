namespace Ota.Benchmarks;

/// <summary>What the server is measured beside: nginx as people run it, with a small file and the image.</summary>
internal static class Nginx
{
    public static async Task<Child> StartAsync(string folder, byte[] image)
    {
        var files = Directory.CreateDirectory(Path.Combine(folder, "www")).FullName;
        await File.WriteAllTextAsync(Path.Combine(files, "small"), "keep what you run\n");
        await File.WriteAllBytesAsync(Path.Combine(files, "image"), image);
        var port = Child.FreePort();
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, Configuration(folder, files, port));
        return await Child.StartAsync("nginx", ["-c", configuration], port, "/small", Path.Combine(folder, "nginx.log"));
    }

    // A worker of root's would else be nobody, who cannot read a temporary folder.
    private static string Configuration(string folder, string files, int port) =>
        $$"""
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        daemon off;
        worker_processes auto;
        pid {{folder}}/nginx.pid;
        error_log stderr warn;
        events { worker_connections 4096; }
        http {
            access_log off;
            sendfile on;
            tcp_nopush on;
            keepalive_requests 1000000000;
            default_type application/octet-stream;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            server {
                listen 127.0.0.1:{{port}} backlog=1024;
                root {{files}};
            }
        }
        """;
}
