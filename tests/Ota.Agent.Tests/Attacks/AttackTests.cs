using System.Text;
using Microsoft.AspNetCore.Http;
using Ota.Agent.Tests.Lab;
using Ota.Agent.Tests.Signed;
using Ota.Signing;
using DeveloperStatement = Ota.Signing.ReleaseStatement;

namespace Ota.Agent.Tests.Attacks;

/// <summary>
/// One test an attack. The attacker owns the server or the network, not the developer's key; the device runs 1.0.0 with
/// security counter 1 and has accepted order 1. Each attack must leave it running exactly that, and be reported by the
/// step that stopped it.
/// </summary>
public sealed class AttackTests
{
    private static readonly byte[] Image = Build.ImageOf("evil");

    [Fact]
    public async Task Statement_by_a_stranger_key() =>
        await IsRefusedAsync("statement-signature", Build.Stated("2.0.0", 1, Image).Sign(Vectors.StrangerKey));

    [Fact]
    public async Task Key_statement_as_release_statement() =>
        await IsRefusedAsync("statement-signature", Vectors.Text("keys.jws"));

    [Fact]
    public async Task Another_products_image() =>
        await IsRefusedAsync(
            "product", (Build.Stated("2.0.0", 1, Image) with { Product = "kettle" }).Sign(Vectors.ReleaseKey));

    [Fact]
    public async Task Another_chips_image() =>
        await IsRefusedAsync(
            "hardware", (Build.Stated("2.0.0", 1, Image) with { Hardware = ["esp32"] }).Sign(Vectors.ReleaseKey));

    [Fact]
    public async Task Lower_security_counter() =>
        await IsRefusedAsync("security-counter", Build.Stated("2.0.0", 0, Image).Sign(Vectors.ReleaseKey));

    [Fact]
    public async Task Recovery_image_as_an_update() =>
        await IsRefusedAsync("kind", Build.Recovery().Statement);

    [Fact]
    public async Task Image_that_fits_no_slot() =>
        await IsRefusedAsync("size", Build.Of("2.0.0", size: Bench.SlotCapacity + 1).Statement);

    [Fact]
    public async Task Statement_without_its_signature() =>
        await IsRefusedAsync("statement-signature", Unsigned("""{"alg":"none","typ":"ota-release+jws"}"""));

    [Fact]
    public async Task Statement_with_alg_none_and_an_empty_signature() =>
        await IsRefusedAsync("statement-signature", Unsigned("""{"alg":"none","typ":"ota-release+jws"}""") + ".");

    [Fact]
    public async Task Statement_with_alg_HS256_keyed_with_the_public_key()
    {
        var input = Unsigned("""{"alg":"HS256","typ":"ota-release+jws"}""");
        var mac = Mac.Of(Vectors.Modulus(Vectors.ReleaseKey), Encoding.ASCII.GetBytes(input));
        await IsRefusedAsync("statement-signature", input + "." + Base64Url.Encode(mac));
    }

    [Fact]
    public async Task Statement_with_critical_extensions() =>
        await IsRefusedAsync(
            "statement-signature", SignedAs("""{"alg":"RS256","typ":"ota-release+jws","crit":["exp"],"exp":1}"""));

    [Fact]
    public async Task Statement_with_its_algorithm_named_twice() =>
        await IsRefusedAsync(
            "statement-signature", SignedAs("""{"alg":"none","typ":"ota-release+jws","alg":"RS256"}"""));

    [Fact]
    public async Task Rightly_signed_statement_of_another_type() =>
        await IsRefusedAsync("statement-signature", SignedAs("""{"alg":"RS256","typ":"JWT"}"""));

    [Fact]
    public async Task Statement_other_than_the_one_ordered() =>
        await IsRefusedAsync(
            "statement-hash", Good().Statement, order => order with { Release = Build.Of("3.0.0").Hash });

    [Fact]
    public async Task Order_without_its_statement() =>
        await IsRefusedAsync("statement-hash", statement: null);

    [Fact]
    public async Task Order_for_another_device() =>
        await IsRefusedAsync("order-device", Good().Statement, order => order with { Device = "zzzzzzzzzzzz" });

    [Fact]
    public async Task Old_order_number() =>
        await IsRefusedAsync("order-number", Good().Statement, order => order with { Number = 1 });

    [Fact]
    public async Task Expired_order() =>
        await IsRefusedAsync(
            "order-expired", Good().Statement, order => order with { Expires = OrderDraft.Issued + 60 });

    [Fact]
    public async Task Order_under_another_devices_key() =>
        await IsRefusedAsync("order-signature", Good().Statement, sign: order => order.Sign(new byte[32]));

    [Fact]
    public async Task Order_with_alg_none() =>
        await IsRefusedAsync(
            "order-signature", Good().Statement, sign: order =>
                Header("""{"alg":"none","typ":"ota-order+jws"}""") + "." + Base64Url.Encode(order.Payload()) + ".AAAA");

    [Fact]
    public async Task Order_signed_with_RS256_by_the_release_key() =>
        await IsRefusedAsync(
            "order-signature", Good().Statement, sign: order =>
                Signing.Jws.SignRs256(new JwsKind("RS256", "ota-order+jws"), order.Payload(), Vectors.ReleaseKey));

    [Fact]
    public async Task Order_of_another_type_under_the_right_key() =>
        await IsRefusedAsync(
            "order-signature", Good().Statement, sign: order =>
                Signing.Jws.SignHs256(new JwsKind("HS256", "JWT"), order.Payload(), Vectors.Identity.OrderKey));

    [Fact]
    public async Task Order_whose_number_is_raised_without_the_key() =>
        await IsRefusedAsync("order-signature", Good().Statement, sign: order =>
        {
            var parts = order.Sign().Split('.');
            return parts[0] + "." + Base64Url.Encode((order with { Number = 99 }).Payload()) + "." + parts[2];
        });

    [Fact]
    public async Task Replayed_order()
    {
        await using var bench = await Bench.RunningAsync();
        var deployment = bench.Server.Deploy("install", Good());
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);

        var recorded = new OrderDraft("install", deployment.Number, deployment.Hash) { Deployment = deployment.Id };
        bench.Server.Answer = ProtocolServer.AnswerWith(recorded.Sign(), Good().Statement, Good().Image);
        var operations = bench.Device.Flash.Operations;
        bench.Run(5);

        Assert.Equal(["order-number"], bench.Refusals());
        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(operations, bench.Device.Flash.Operations);
    }

    [Fact]
    public async Task Yesterdays_recovery_order_does_not_wipe_the_next_owner()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Device.Radio.Owner = Ota.Virtual.VirtualDevice.HomeFor("next owner");
        var recovery = Build.Recovery();
        var deployment = bench.Server.Deploy("recover", recovery);
        bench.RunUntilSettled();
        Assert.Equal("next owner", bench.Device.Agent!.Networks.Owner);

        var recorded = new OrderDraft("recover", deployment.Number, deployment.Hash) { Deployment = deployment.Id };
        bench.Server.Answer = ProtocolServer.AnswerWith(recorded.Sign(), recovery.Statement, recovery.Image);
        bench.Run(10);

        Assert.Equal(["order-number"], bench.Refusals());
        Assert.Equal("next owner", bench.Device.Agent!.Networks.Owner);
    }

    [Fact]
    public async Task Altered_byte_in_the_image()
    {
        await using var bench = await Bench.RunningAsync();
        var build = Good();
        var altered = build.Image.ToArray();
        altered[5000] ^= 1;
        bench.Server.Deploy("install", build);
        bench.Server.Intercept = context => ServeAsync(context, altered);

        bench.RunUntilSettled();

        Assert.Equal(["chunk"], bench.Refusals());
        AssertUntouched(bench);
    }

    [Fact]
    public async Task Redirect_to_an_HTML_page_is_no_image_and_no_reason_to_refuse()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Good());
        bench.Server.Intercept = async context =>
        {
            if (context.Request.Path == "/login")
            {
                context.Response.ContentType = "text/html";
                await context.Response.WriteAsync("<!DOCTYPE html><html><body>Please log in.</body></html>");
                return true;
            }

            if (context.Request.Path.StartsWithSegments("/images"))
                context.Response.Redirect("/login");
            return context.Request.Path.StartsWithSegments("/images");
        };

        bench.Run(6);

        Assert.Empty(bench.Refusals());
        Assert.Equal(("downloading", "0%"), bench.Server.Reports.Select(r => (r.State, r.Detail)).Last());
        AssertUntouched(bench);

        // And when the portal lets it through, it goes on.
        bench.Server.Intercept = null;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Fact]
    public async Task HTML_page_as_long_as_the_image()
    {
        await using var bench = await Bench.RunningAsync();
        var page = Encoding.ASCII.GetBytes("<!DOCTYPE html>" + new string(' ', Good().Image.Length - 15));
        bench.Server.Deploy("install", Good());
        bench.Server.Intercept = context => ServeAsync(context, page);

        bench.RunUntilSettled();

        Assert.Equal(["chunk"], bench.Refusals());
        AssertUntouched(bench);
    }

    [Fact]
    public async Task Token_is_not_sent_to_where_a_redirect_points()
    {
        await using var bench = await Bench.RunningAsync();
        await using var elsewhere = await ProtocolServer.StartAsync();
        string? leaked = "nothing came";
        elsewhere.Publish(Good());
        elsewhere.Intercept = context =>
        {
            leaked = context.Request.Headers.Authorization;
            return Task.FromResult(false);
        };
        bench.Server.Deploy("install", Good());
        bench.Server.Intercept = context =>
        {
            if (context.Request.Path.StartsWithSegments("/images"))
                context.Response.Redirect(new Uri(elsewhere.Address, context.Request.Path).AbsoluteUri);
            return Task.FromResult(context.Request.Path.StartsWithSegments("/images"));
        };

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Null(leaked);
    }

    [Fact]
    public void Altered_byte_anywhere_in_the_statement()
    {
        var statement = Good().Statement;
        var check = GoldenFilesTests.Check();
        for (var at = 0; at < statement.Length; at++)
        {
            var altered = statement[..at] + (statement[at] == 'A' ? 'B' : 'A') + statement[(at + 1)..];

            // Under an order for the original, and, worse, under one that the server made for the altered statement.
            var honest = GoldenFilesTests.Verified("install", Signing.Jws.HashOf(statement));
            Assert.Equal("statement-hash", check.Release(honest, altered, 0, 65536, out _));
            var colluding = GoldenFilesTests.Verified("install", Signing.Jws.HashOf(altered));
            Assert.Equal("statement-signature", check.Release(colluding, altered, 0, 65536, out _));
        }
    }

    [Fact]
    public void Altered_byte_anywhere_in_the_order()
    {
        var order = new OrderDraft("install", 7, Good().Hash).Sign();
        for (var at = 0; at < order.Length; at++)
        {
            var altered = order[..at] + (order[at] == 'A' ? 'B' : 'A') + order[(at + 1)..];
            VerifiedOrder.Check(altered, Vectors.Identity, 6, OrderDraft.Issued, out var fault);
            Assert.Equal("order-signature", fault?.Step);
        }
    }

    private static Build Good() => Build.Of("2.0.0", content: "evil");

    private static string Header(string json) => Base64Url.Encode(Encoding.UTF8.GetBytes(json));

    private static string Unsigned(string header) => Header(header) + "." + Good().Statement.Split('.')[1];

    private static string SignedAs(string header)
    {
        var input = Unsigned(header);
        var signature = Vectors.ReleaseKey.SignData(
            Encoding.ASCII.GetBytes(input),
            System.Security.Cryptography.HashAlgorithmName.SHA256,
            System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        return input + "." + Base64Url.Encode(signature);
    }

    private static async Task<bool> ServeAsync(HttpContext context, byte[] image)
    {
        if (!context.Request.Path.StartsWithSegments("/images"))
            return false;
        await Results.Bytes(image, enableRangeProcessing: true).ExecuteAsync(context);
        return true;
    }

    private static async Task IsRefusedAsync(
        string step,
        string? statement,
        Func<OrderDraft, OrderDraft>? forge = null,
        Func<OrderDraft, string>? sign = null)
    {
        await using var bench = await Bench.RunningAsync();
        var order = new OrderDraft("install", 2, Signing.Jws.HashOf(statement ?? "nothing"));
        order = forge?.Invoke(order) ?? order;
        bench.Server.Answer = ProtocolServer.AnswerWith(sign?.Invoke(order) ?? order.Sign(), statement, Image);
        bench.Server.Publish(new Build(statement ?? "", Image));

        bench.RunUntilAsked();
        bench.Server.Answer = null;
        bench.RunUntilSettled();

        Assert.Equal([step], bench.Refusals());
        AssertUntouched(bench);
    }

    // By what the device reports, by what it computed over the bytes it started, and after one more start.
    private static void AssertUntouched(Bench bench)
    {
        var image = ProtocolServer.Sha256Of(Build.Of("1.0.0").Image);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(image, bench.Device.BootedSha256);
        bench.Device.PowerOff();
        bench.Device.Step();
        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(image, bench.Device.BootedSha256);
        Assert.Equal("1.0.0", bench.Server.CheckIns.Last().GetProperty("running").GetString());
        Assert.Equal("confirmed", bench.Server.CheckIns.Last().GetProperty("slot").GetString());
    }
}
