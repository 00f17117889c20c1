{#- RULES 4, the actor: whether a web identity is a program's, such as a CI job's or a pod's, and not
    a person's: by its provider, a whole part of whose host is named, or by the form of the subject
    that such providers give. -#}
{% macro is_workload_identity(provider, subject) -%}
    {%- set providers = [
        'token.actions.githubusercontent.com', 'gitlab', 'circleci', 'buildkite', 'bitbucket',
        'vstoken.dev.azure.com', 'app.terraform.io', 'oidc.eks', 'container.googleapis.com',
        'spacelift', 'semaphoreci', 'codefresh', 'jenkins', 'travis-ci', 'vercel', 'depot.dev',
        'pulumi', 'drone', 'harness', 'kubernetes', 'argo', 'argocd', 'env0', 'scalr'
    ] -%}
    {%- set subjects = [
        'repo:', 'project_path:', 'system:serviceaccount:', 'organization:', 'org/', 'pipeline:',
        'job:', 'sc://'
    ] -%}
    (
        coalesce(
            regexp_extract(
                {#- The host alone: of an ARN, of a URL, or as it is. -#}
                regexp_extract(
                    lower({{ provider }}), '^(?:.*:oidc-provider/|https?://)?([^/]+)', 1
                ),
                '(?:^|[.-])(?:{{ providers | join("|") | replace(".", "\\.") }})(?:[.:-]|$)'
            ) <> '',
            false
        )
        or {{ provider }} is null
        and coalesce(regexp_extract({{ subject }}, '^(?:{{ subjects | join("|") }})') <> '', false)
    )
{%- endmacro %}
