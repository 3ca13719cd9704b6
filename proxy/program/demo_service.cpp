#include "proxy/program/demo_service.hpp"

namespace sluice::proxy::program {
namespace {

constexpr std::size_t export_rows = 8000;

std::string page_of(std::string_view version) {
  const bool old = version == "v1";
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Toy shop ";
  page += version;
  page += "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>body{margin:0;min-height:100vh;";
  page += "display:grid;place-items:center;color:#fff;text-align:center;";
  page += "font-family:system-ui,sans-serif;background:";
  page += old ? "#b45309" : "#0f766e";
  page += "}h1{font-size:4rem;margin:0}</style></head>\n<body><main><h1>";
  page += version;
  page += "</h1><p>";
  page += old ? "The toy shop as you know it." : "The toy shop, all new.";
  page += "</p><p>Reload: each request is drawn anew.</p></main></body>";
  return page.append(DemoService::end_of_answer);
}

std::string export_of(std::string_view version) {
  std::string rows = "<!doctype html>\n<html lang=\"en\"><title>Orders</title><pre>\n";
  for (std::size_t row = 1; row <= export_rows; ++row)
    rows.append("order ").append(std::to_string(row)).append(" kept by ").append(version) += '\n';
  return rows.append("</pre>").append(DemoService::end_of_answer);
}

}  // namespace

DemoService::DemoService(std::string version, std::chrono::milliseconds export_time)
    : version_(std::move(version)),
      export_time_(export_time),
      page_(page_of(version_)),
      export_(export_of(version_)),
      server_([this](std::string_view target) { return answer(target); }) {}

DemoServer::Reply DemoService::answer(std::string_view target) {
  DemoServer::Reply reply;
  reply.fields = "X-Version: " + version_ + "\r\nContent-Type: ";
  if (target == "/healthz") {
    reply.fields += "text/plain\r\n";
    reply.body = "ok\n";
    reply.is_health_check = true;
    return reply;
  }
  const std::uint64_t request = ++requests_;
  reply.fields += "text/html; charset=utf-8\r\nCache-Control: no-store\r\n";
  if (target != export_path) {
    answer_page(request, reply);
    return reply;
  }
  reply.body = export_;
  reply.spread = export_time_;
  return reply;
}

void DemoService::answer_page(std::uint64_t request, DemoServer::Reply& reply) {
  const auto is_every = [request](unsigned every) { return every != 0 && request % every == 0; };
  const std::scoped_lock lock(mutex_);
  const auto steps = static_cast<std::uint64_t>(manners_.range.count()) + 1;
  reply.delay = manners_.least + std::chrono::milliseconds{request % steps};
  reply.body = page_;
  if (is_every(manners_.fails_every)) {
    note_bad();
    reply.status = 500;
    reply.body = "This version is broken.\n";
  } else if (is_every(manners_.slow_every)) {
    note_bad();
    reply.delay = manners_.slow;
  }
}

void DemoService::behave(const DemoManners& manners) {
  const std::scoped_lock lock(mutex_);
  manners_ = manners;
}

void DemoService::note_bad() {
  using namespace std::chrono;
  if (bad_++ > 0) return;
  first_bad_ms_ = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace sluice::proxy::program
