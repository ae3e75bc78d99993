/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up evidence of some types. Names and addresses are from the ranges reserved for examples. */
#include "graph_make_evidence.h"

#include <inttypes.h>
#include <string.h>

static const char *const people[] = {"alice.meyer",   "bob.tanaka", "carla.rossi",
                                     "dmitri.o'neil", "eve.nowak",  "zoë.lund"};
static const char *const hosts[] = {"pc-0411", "pc-0977", "srv-files01", "srv-dc02", "laptop-k7", "kiosk-3"};
static const char *const files[] = {"invoice_2026.js", "update.exe",  "rundll32.exe",
                                    "powershell.exe",  "payload.dll", "report (1).iso"};

#define PICK(random, list) (list)[graph_random_below(random, sizeof(list) / sizeof(list)[0])]

void graph_make_hex(struct graph_random *random, unsigned digits, struct graph_buffer *out) {
    while (digits > 0) {
        unsigned part = digits > 12 ? 12 : digits;
        graph_buffer_print(out, "%0*" PRIx64, (int)part, graph_random_next(random) & ((UINT64_C(1) << (part * 4)) - 1));
        digits -= part;
    }
}

static void add_hex(struct graph_buffer *out, const char *name, unsigned digits, struct graph_random *random) {
    graph_buffer_print(out, "\"%s\":\"", name);
    graph_make_hex(random, digits, out);
    graph_buffer_text(out, "\",");
}

static void begin(struct graph_buffer *out, const char *type, const char *created, struct graph_random *random) {
    static const char *const verdicts[] = {"unknown", "suspicious", "malicious", "noThreatsFound"};
    static const char *const roles[] = {"[]", "[\"compromised\"]", "[\"source\",\"attacker\"]", "[\"contextual\"]"};
    static const char *const statuses[] = {"none", "remediated", "prevented", "active"};
    graph_buffer_print(out,
                       "{\"@odata.type\":\"#microsoft.graph.security.%s\",\"createdDateTime\":\"%s\","
                       "\"verdict\":\"%s\",\"remediationStatus\":\"%s\",\"remediationStatusDetails\":null,"
                       "\"roles\":%s,\"detailedRoles\":[],\"tags\":[],",
                       type, created, PICK(random, verdicts), PICK(random, statuses), PICK(random, roles));
}

static void add_account(struct graph_buffer *out, const char *name, struct graph_random *random) {
    const char *person = PICK(random, people);
    graph_buffer_print(out,
                       "\"%s\":{\"accountName\":\"%s\",\"domainName\":\"CONTOSO\",\"userSid\":\"S-1-5-21-1004-%" PRIu64
                       "\",\"azureAdUserId\":null,\"userPrincipalName\":\"%s@contoso.example\",\"displayName\":\"%s\","
                       "\"tenantId\":null,\"activeDirectoryObjectGuid\":null,\"resourceAccessEvents\":[]}",
                       name, person, graph_random_below(random, 90000) + 1000, person, person);
}

static void add_file(struct graph_buffer *out, const char *name, struct graph_random *random) {
    graph_buffer_print(out,
                       "\"%s\":{\"fileName\":\"%s\",\"filePath\":\"C:\\\\Users\\\\Public\\\\Downloads\","
                       "\"fileSize\":%" PRIu64
                       ",\"filePublisher\":\"Example \\/ Works\",\"signer\":null,\"issuer\":null,",
                       name, PICK(random, files), graph_random_below(random, 5000000));
    add_hex(out, "md5", 32, random);
    add_hex(out, "sha1", 40, random);
    add_hex(out, "sha256", 64, random);
    graph_buffer_text(out, "\"sha256Ac\":null}");
}

static void add_device(struct graph_buffer *out, struct graph_random *random) {
    const char *host = PICK(random, hosts);
    add_hex(out, "mdeDeviceId", 40, random);
    graph_buffer_print(
        out,
        "\"azureAdDeviceId\":null,\"deviceDnsName\":\"%s.contoso.example\",\"hostName\":\"%s\",\"ntDomain\":null,"
        "\"dnsDomain\":\"contoso.example\",\"osPlatform\":\"Windows11\",\"osBuild\":26100,\"version\":\"24H2\","
        "\"healthStatus\":\"active\",\"riskScore\":\"high\",\"onboardingStatus\":\"onboarded\","
        "\"defenderAvStatus\":\"updated\",\"rbacGroupId\":0,\"rbacGroupName\":null,"
        "\"firstSeenDateTime\":\"2026-01-02T08:15:00Z\",\"ipInterfaces\":[\"192.0.2.%" PRIu64
        "\",\"2001:db8::10\"],"
        "\"lastIpAddress\":\"192.0.2.10\",\"lastExternalIpAddress\":\"203.0.113.7\","
        "\"loggedOnUsers\":[{\"accountName\":\"alice\",\"domainName\":\"CONTOSO\"}],\"resourceAccessEvents\":[],"
        "\"vmMetadata\":null}",
        host, host, graph_random_below(random, 254) + 1);
}

static void add_process(struct graph_buffer *out, const char *created, struct graph_random *random) {
    graph_buffer_print(out,
                       "\"processId\":%" PRIu64 ",\"parentProcessId\":%" PRIu64
                       ",\"processCommandLine\":\"\\\"powershell.exe\\\" -NoP -W Hidden -Enc \\u0022SQBFAFgA\\u0022\","
                       "\"processCreationDateTime\":\"%s\",\"parentProcessCreationDateTime\":\"%s\","
                       "\"detectionStatus\":\"detected\",\"mdeDeviceId\":null,",
                       graph_random_below(random, 60000), graph_random_below(random, 60000), created, created);
    add_file(out, "imageFile", random);
    graph_buffer_text(out, ",");
    add_file(out, "parentProcessImageFile", random);
    graph_buffer_text(out, ",");
    add_account(out, "userAccount", random);
    graph_buffer_text(out, "}");
}

static void add_message(struct graph_buffer *out, const char *created, struct graph_random *random) {
    add_hex(out, "networkMessageId", 32, random);
    graph_buffer_print(
        out,
        "\"internetMessageId\":\"<%" PRIx64
        "@mail.example>\",\"subject\":\"R\\u00e9: your invoice \xE2\x80\x8B\","
        "\"p1Sender\":{\"emailAddress\":\"billing@fabrikam.example\",\"displayName\":\"Billing\",\"domainName\":"
        "\"fabrikam.example\"},\"p2Sender\":{\"emailAddress\":\"billing@fabrikam.example\",\"displayName\":null,"
        "\"domainName\":\"fabrikam.example\"},\"senderIp\":\"198.51.100.23\",\"recipientEmailAddress\":"
        "\"alice.meyer@contoso.example\",\"receivedDateTime\":\"%s\",\"deliveryAction\":\"delivered\","
        "\"deliveryLocation\":\"inbox\",\"antiSpamDirection\":\"inbound\",\"language\":\"en\",\"attachmentsCount\":1,"
        "\"urlCount\":2,\"urls\":[\"https:\\/\\/login.fabrikam.example\\/a?b=c&d=%%20\",\"http://203.0.113.9/x\"],"
        "\"threats\":[\"Phish\"],\"threatDetectionMethods\":[\"URL detonation\"],\"urn\":null}",
        graph_random_next(random), created);
}

static void add_small(char kind, const char *created, struct graph_random *random, struct graph_buffer *out) {
    const char *person = PICK(random, people);
    switch (kind) {
        case 'i':
            graph_buffer_print(out,
                               "\"ipAddress\":\"203.0.113.%" PRIu64
                               "\",\"countryLetterCode\":\"NL\",\"location\":{"
                               "\"city\":\"Examplestad\",\"countryName\":\"Netherlands\",\"latitude\":52.370216,"
                               "\"longitude\":-4.895168e0,\"state\":null},\"stream\":null}",
                               graph_random_below(random, 254) + 1);
            break;
        case 'w':
            graph_buffer_print(out, "\"url\":\"https:\\/\\/cdn.example\\/%" PRIx64 "\\/load.js\"}",
                               graph_random_next(random));
            break;
        case 'm':
            graph_buffer_print(out,
                               "\"primaryAddress\":\"%s@contoso.example\",\"displayName\":\"%s\",\"upn\":"
                               "\"%s@contoso.example\",",
                               person, person, person);
            add_account(out, "userAccount", random);
            graph_buffer_text(out, "}");
            break;
        case 'r':
            graph_buffer_text(out,
                              "\"registryHive\":\"HKEY_LOCAL_MACHINE\",\"registryKey\":\"SOFTWARE\\\\Microsoft\\\\"
                              "Windows\\\\CurrentVersion\\\\Run\",\"registryValueName\":\"Updater\","
                              "\"registryValueType\":\"String\",\"registryValue\":\"C:\\\\ProgramData\\\\u.exe\","
                              "\"mdeDeviceId\":null}");
            break;
        case 'c':
            graph_buffer_print(out,
                               "\"appId\":11161,\"saasAppId\":11161,\"instanceId\":%" PRIu64
                               ",\"instanceName\":\"Example Mail\",\"displayName\":\"Example Mail\",\"stream\":null}",
                               graph_random_below(random, 1000));
            break;
        default:
            graph_buffer_print(out,
                               "\"browser\":\"Edge\",\"deviceName\":null,\"operatingSystem\":\"Windows 11\","
                               "\"previousLogonDateTime\":null,\"protocol\":\"OAuth2\",\"sessionId\":\"%" PRIx64
                               "\",\"startUtcDateTime\":\"%s\",\"userAgent\":\"Mozilla\\/5.0 (Windows NT 10.0)\","
                               "\"account\":null}",
                               graph_random_next(random), created);
    }
}

void graph_make_evidence(char kind, const char *created, struct graph_random *random, struct graph_buffer *out) {
    static const char kinds[] = "dfpuiwmarcs";
    static const char *const types[] = {"deviceEvidence",
                                        "fileEvidence",
                                        "processEvidence",
                                        "userEvidence",
                                        "ipEvidence",
                                        "urlEvidence",
                                        "mailboxEvidence",
                                        "analyzedMessageEvidence",
                                        "registryValueEvidence",
                                        "cloudApplicationEvidence",
                                        "cloudLogonSessionEvidence"};
    const char *place = strchr(kinds, kind);
    begin(out, types[place != NULL ? place - kinds : 1], created, random);
    switch (kind) {
        case 'd':
            add_device(out, random);
            break;
        case 'p':
            add_process(out, created, random);
            break;
        case 'u':
            add_account(out, "userAccount", random);
            graph_buffer_text(out, ",\"stream\":null}");
            break;
        case 'a':
            add_message(out, created, random);
            break;
        case 'f':
            graph_buffer_text(out, "\"detectionStatus\":\"detected\",\"mdeDeviceId\":null,");
            add_file(out, "fileDetails", random);
            graph_buffer_text(out, "}");
            break;
        default:
            add_small(kind, created, random, out);
    }
}
