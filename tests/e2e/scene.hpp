#pragma once

#include <gtest/gtest.h>

#include "tests/support/scripts.hpp"
#include "tests/support/sluice_process.hpp"

/// What most end-to-end tests start from.
namespace sluice::e2e {

using namespace support;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// The program in front of one scripted backend, which is pool v1 of route "all". The destructor
/// fails the test when the backend ever got something that is no HTTP/1.1.
class Scene {
 public:
  explicit Scene(Script script = {}, const std::string& tables = "",
                 const std::string& pool_lines = "", const std::string& route_lines = "")
      : backend("v1", std::move(script)),
        sluice(configured(backend.address(), tables, pool_lines, route_lines)) {}
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  ~Scene() {
    for (const std::string& violation : backend.violations()) ADD_FAILURE() << violation;
  }

  /// One request on a connection of its own.
  Response ask(const std::string& text, std::string_view method = "GET") {
    return sluice.client().ask(text, method);
  }
  Response get(std::string_view target, std::string_view fields = "") {
    return sluice.client().get(target, fields);
  }

  TestBackend backend;
  SluiceProcess sluice;

 private:
  static ConfigText configured(const std::string& backend, const std::string& tables,
                               const std::string& pool_lines, const std::string& route_lines) {
    ConfigText config = one_pool(backend, pool_lines, route_lines);
    config.tables = tables;
    return config;
  }
};

/// The fields of a request for a tunnel.
inline constexpr const char* asks_websocket =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

/// `size` octets that differ from their neighbours at any distance that a buffer may have.
inline std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

/// The first backend of a pool as GET /v1/pools/{pool} shows it.
inline std::int64_t backend_number(const SluiceProcess& sluice, const std::string& key,
                                   const std::string& pool = "v1") {
  return sluice.admin().get("/v1/pools/" + pool).number("/backends/0/" + key);
}

/// The same for a word, such as "health" and "drain".
inline std::string backend_word(const SluiceProcess& sluice, const std::string& key,
                                const std::string& pool = "v1", int index = 0) {
  return sluice.admin()
      .get("/v1/pools/" + pool)
      .string("/backends/" + std::to_string(index) + "/" + key);
}

/// Whether sanitizers slow this build down, so that bars of time do not count.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_slow_build = true;
#else
inline constexpr bool is_slow_build = false;
#endif

}  // namespace sluice::e2e
