using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Ota.Server.Http;

/// <summary>What /openapi/v1.json says beyond the signatures: the staff key, the problems, and the upload's two parts.</summary>
internal static class ApiDescription
{
    private const string StaffKey = "staffKey";

    public static void Describe(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Ota staff API";
            document.Info.Version = "v1";
            document.Info.Description =
                "Every call takes `Authorization: Bearer ota_…`. Errors are ProblemDetails (RFC 9457) whose `type` is stable.";
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes[StaffKey] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "A staff key, as `ota staff add` shows it.",
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(StaffKey, document)] = [] }];
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, _, _) =>
        {
            operation.Responses ??= [];
            operation.Responses.TryAdd("default", new OpenApiResponse
            {
                Description = "A problem: `type` is stable, `detail` says what was wrong and what to do.",
                Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = Problem() } },
            });
            return Task.CompletedTask;
        });
    }

    /// <summary>The body of an upload: statement first, then image.</summary>
    public static Task DescribeUpload(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var parts = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "statement", "image" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["statement"] = Text("The release statement (JWS). It must be the first part."),
                ["image"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "The image's bytes." },
            },
        };
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType> { ["multipart/form-data"] = new() { Schema = parts } },
        };
        return Task.CompletedTask;
    }

    private static OpenApiSchema Problem() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("`urn:ota:problem:…`"),
            ["title"] = Text("What kind of problem."),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = Text("What was wrong and what to do."),
        },
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
}
