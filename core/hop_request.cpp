#include "core/hop.hpp"
#include "core/hop_fields.hpp"
#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr FieldSet never_passed = {FieldId::host, FieldId::proxy_authorization,
                                   FieldId::x_forwarded_for};

/// True for X-Forwarded-* names, also those with "_" that CGI-like backends cannot tell apart.
bool is_x_forwarded(std::string_view name) {
  constexpr std::string_view prefix = "x-forwarded-";
  if (name.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    const char c = name[i] == '_' ? '-' : to_lower(name[i]);
    if (c != prefix[i]) return false;
  }
  return true;
}

/// Known fields of `head` that are not copied.
FieldSet left_out(const RequestHead& head, const BodyFraming& body,
                  const RequestAdditions& additions) {
  FieldSet set = hop_fields;
  set.add(never_passed);
  if (!additions.trust_forwarded) {
    set.add({FieldId::forwarded, FieldId::x_forwarded_host, FieldId::x_forwarded_proto});
  }
  if (additions.forwarded) set.add(FieldId::forwarded);
  if (!additions.request_id.empty()) set.add(FieldId::x_request_id);
  if (!additions.traceparent.empty()) set.add(FieldId::traceparent);
  // An HTTP/1.0 client cannot wait for the 100 that a backend would send.
  if (head.minor == 0) set.add(FieldId::expect);
  if (body.kind != BodyKind::chunked) set.add(FieldId::trailer);
  return set;
}

/// tracestate belongs to the traceparent it came with (W3C Trace Context, section 3.3).
bool starts_new_trace(const RequestHead& head, const RequestAdditions& additions) {
  if (additions.traceparent.empty()) return false;
  const Field* received = find(head.fields, FieldId::traceparent);
  return received == nullptr || received->value != additions.traceparent;
}

void pass_fields(OctetWriter& out, const RequestHead& head, const BodyFraming& body,
                 const RequestAdditions& additions, const Nominations& nominated) {
  FieldSet dropped = left_out(head, body, additions);
  dropped.add(nominated.known());
  const bool new_trace = starts_new_trace(head, additions);
  FieldWriter writer(out);
  for (const Field& field : head.fields) {
    if (field.id != FieldId::other) {
      if (dropped.has(field.id)) continue;
    } else {
      if (nominated.names(field.name)) continue;
      if (!additions.trust_forwarded && is_x_forwarded(field.name)) continue;
      if (new_trace && iequals(field.name, "tracestate")) continue;
    }
    writer.add(field);
  }
}

/// Appends the values of the fields with this id, each followed by ", ".
void append_received(OctetWriter& out, const Fields& fields, FieldId id) {
  for (const Field& field : fields) {
    if (field.id != id || field.value.empty()) continue;
    out.put(field.value);
    out.put(", ");
  }
}

void append_x_forwarded_for(OctetWriter& out, const Fields& fields,
                            const RequestAdditions& additions) {
  const std::size_t start = out.size();
  out.put("X-Forwarded-For: ");
  const std::size_t values = out.size();
  if (additions.trust_forwarded) append_received(out, fields, FieldId::x_forwarded_for);
  out.put(additions.client_ip);
  if (out.size() == values) {
    out.cut_to(start);
    return;
  }
  if (additions.client_ip.empty()) out.cut_to(out.size() - 2);
  out.put("\r\n");
}

/// Appends a token as it is and anything else as a quoted string.
void append_word(OctetWriter& out, std::string_view word) {
  if (is_token(word)) {
    out.put(word);
    return;
  }
  out.put('"');
  for (const char c : word) {
    if (c == '"' || c == '\\') out.put('\\');
    out.put(c);
  }
  out.put('"');
}

void append_forwarded(OctetWriter& out, const RequestHead& head,
                      const RequestAdditions& additions) {
  out.put("Forwarded: ");
  if (additions.trust_forwarded) append_received(out, head.fields, FieldId::forwarded);
  out.put("for=");
  if (additions.client_ip.empty()) {
    out.put("unknown");
  } else if (additions.client_ip.find(':') != std::string_view::npos) {
    out.put("\"[");
    out.put(additions.client_ip);
    out.put("]\"");
  } else {
    append_word(out, additions.client_ip);
  }
  if (!head.authority.empty()) {
    out.put(";host=");
    append_word(out, head.authority);
  }
  out.put(";proto=");
  out.put(additions.listener_scheme);
  out.put("\r\n");
}

void append_forwarding(OctetWriter& out, const RequestHead& head,
                       const RequestAdditions& additions) {
  const FieldSet kept = additions.trust_forwarded ? ids_in(head.fields) : FieldSet{};
  append_x_forwarded_for(out, head.fields, additions);
  if (!kept.has(FieldId::x_forwarded_proto)) {
    append_field(out, "X-Forwarded-Proto", additions.listener_scheme);
  }
  if (!kept.has(FieldId::x_forwarded_host) && !head.authority.empty()) {
    append_field(out, "X-Forwarded-Host", head.authority);
  }
  if (additions.forwarded) append_forwarded(out, head, additions);
}

bool takes_trailers(const RequestHead& head, const ConnectionOptions& options) {
  if (!options.te || head.minor == 0) return false;
  bool named = false;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::te) continue;
    each_element(field.value, ',',
                 [&named](std::string_view coding) { named |= iequals(coding, "trailers"); });
  }
  return named;
}

void append_connection(OctetWriter& out, bool trailers, std::string_view upgrade) {
  if (trailers) append_field(out, "TE", "trailers");
  if (!upgrade.empty()) append_field(out, "Upgrade", upgrade);
  if (trailers || !upgrade.empty()) {
    const std::string_view options = trailers ? "TE, upgrade" : "upgrade";
    append_field(out, "Connection", upgrade.empty() ? "TE" : options);
  }
}

}  // namespace

void write_request_head(std::string& text, const RequestHead& head, const BodyFraming& body,
                        const RequestAdditions& additions) {
  OctetWriter out(text);
  const Nominations nominated(head.fields);
  out.put(head.method);
  out.put(" ");
  out.put(head.path);
  out.put(" HTTP/1.1\r\n");
  append_field(out, "Host", head.authority);
  pass_fields(out, head, body, additions, nominated);
  if (body.kind == BodyKind::length) append_content_length(out, body.length);
  if (body.kind == BodyKind::chunked) append_chunked(out);
  out.put(head.minor == 0 ? "Via: 1.0 sluice\r\n" : "Via: 1.1 sluice\r\n");
  append_forwarding(out, head, additions);
  if (!additions.request_id.empty()) append_field(out, "X-Request-Id", additions.request_id);
  if (!additions.traceparent.empty()) append_field(out, "traceparent", additions.traceparent);
  append_connection(out, takes_trailers(head, nominated.options()), additions.upgrade);
  out.put("\r\n");
}

}  // namespace sluice::core
