#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_backend.hpp"

/// The answers that backends of the tests give.
namespace sluice::support {

/// Reads the body, then answers with Content-Length.
Script answers(unsigned status, std::string body, std::string fields = "");

/// Sends the request body back with Content-Length.
Script echoes();

/// Sends the request body back in chunks while it still comes in.
Script echoes_while_reading();

/// Answers in the given chunks, then with `trailers` ("Name: value\r\n" each).
Script answers_in_chunks(std::vector<std::string> chunks, std::string trailers = "");

/// An answer without a length, ended by closing.
Script answers_until_close(std::string body);

/// Exactly these octets after the request was read; then closes if asked.
Script sends(std::string bytes, bool then_close = false);

/// Answers 200 with the name once `latch` is released.
Script answers_after(std::shared_ptr<Latch> latch);

/// Reads until the proxy closes, and answers nothing.
Script stays_silent();

/// Switches to `protocol` and sends back whatever comes until the proxy ends its half.
Script upgrades_and_echoes(std::string protocol = "websocket");

}  // namespace sluice::support
