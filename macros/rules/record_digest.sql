{#- RULES 10: a digest of a raw record: 32 hexadecimal digits of the SHA-256 of its typed fields as logged,
    with their secrets. On one engine it is the same for the same record, whatever the layout of its
    JSON, and differs for unlike records of one event id. The event id and the account are no part of
    it. `fields` comes from `raw_fields`. -#}
{% macro record_digest(fields) -%}
    {%- set texts = [] -%}
    {%- for path in ['eventtime', 'useridentity.sessioncontext.attributes.creationdate'] -%}
        {%- do texts.append('cast(' ~ iso_timestamp(raw_field(fields, path)) ~ ' as varchar)') -%}
    {%- endfor -%}
    {%- for path in [
        'readonly', 'managementevent', 'sessioncredentialfromconsole',
        'useridentity.sessioncontext.attributes.mfaauthenticated',
        'useridentity.sessioncontext.assumedroot',
    ] -%}
        {%- do texts.append('lower(' ~ raw_field(fields, path) ~ ')') -%}
    {%- endfor -%}
    {%- for path in [
        'eventname', 'eventsource', 'eventtype', 'eventcategory', 'eventversion', 'awsregion',
        'sourceipaddress', 'useragent', 'errorcode', 'errormessage', 'requestid', 'sharedeventid',
        'apiversion', 'useridentity.type', 'useridentity.principalid', 'useridentity.arn',
        'useridentity.accountid', 'useridentity.accesskeyid', 'useridentity.username',
        'useridentity.invokedby', 'useridentity.invokedbydelegate.accountid',
        'useridentity.identityprovider', 'useridentity.credentialid',
        'useridentity.onbehalfof.userid', 'useridentity.onbehalfof.identitystorearn',
        'useridentity.inscopeof.sourcearn', 'useridentity.inscopeof.sourceaccount',
        'useridentity.inscopeof.issuertype', 'useridentity.inscopeof.credentialsissuedto',
        'useridentity.sessioncontext.sessionissuer.type',
        'useridentity.sessioncontext.sessionissuer.arn',
        'useridentity.sessioncontext.sessionissuer.accountid',
        'useridentity.sessioncontext.sessionissuer.username',
        'useridentity.sessioncontext.sessionissuer.principalid',
        'useridentity.sessioncontext.sourceidentity',
        'useridentity.sessioncontext.ec2roledelivery',
        'useridentity.sessioncontext.webidfederationdata.federatedprovider',
        'useridentity.sessioncontext.signinsessionarn', 'vpcendpointid', 'vpcendpointaccountid',
        'tlsdetails.tlsversion', 'tlsdetails.ciphersuite', 'tlsdetails.clientprovidedhostheader',
        'addendum.reason', 'addendum.updatedfields', 'addendum.originalrequestid',
        'addendum.originaleventid',
    ] -%}
        {%- do texts.append(raw_field(fields, path)) -%}
    {%- endfor -%}
    {%- do texts.append(resources_json(fields)) -%}
    {%- for path in [
        'requestparameters', 'responseelements', 'additionaleventdata', 'serviceeventdetails',
        'edgedevicedetails',
    ] -%}
        {%- do texts.append(canonical_json(raw_field(fields, path))) -%}
    {%- endfor -%}
    substr({{ text_sha256(key_text(texts)) }}, 1, 32)
{%- endmacro %}
