#include "tests/support/scripts.hpp"

namespace sluice::support {

Script answers(unsigned status, std::string body, std::string fields) {
  return [=](Exchange& exchange) {
    exchange.read_body();
    exchange.answer(status, body, fields);
  };
}

Script echoes() {
  return [](Exchange& exchange) {
    exchange.read_body();
    exchange.answer(200, exchange.request().body);
  };
}

Script echoes_while_reading() {
  return [](Exchange& exchange) {
    exchange.send(exchange.head(200, "Transfer-Encoding: chunked\r\n\r\n"));
    std::size_t left = std::stoul(exchange.request().fields.get("Content-Length"));
    ByteStream& stream = exchange.stream();
    while (left > 0) {
      if (stream.buffer.empty() && !stream.fill()) throw Failure("request body is cut");
      const std::string part = stream.take(left);
      left -= part.size();
      std::string chunk = in_chunks(part, part.size());
      chunk.resize(chunk.size() - 5);
      if (!exchange.send(chunk)) throw Failure("the proxy does not take the answer");
    }
    exchange.send("0\r\n\r\n");
    exchange.mark_body_read();
  };
}

Script answers_in_chunks(std::vector<std::string> chunks, std::string trailers) {
  return [=](Exchange& exchange) {
    exchange.read_body();
    std::string text = exchange.head(200, "Transfer-Encoding: chunked\r\n\r\n");
    for (const std::string& chunk : chunks) {
      std::string part = in_chunks(chunk, chunk.size());
      part.resize(part.size() - 5);
      text += part;
    }
    exchange.send(text + "0\r\n" + trailers + "\r\n");
  };
}

Script answers_until_close(std::string body) {
  return [=](Exchange& exchange) {
    exchange.read_body();
    exchange.send(exchange.head(200, "\r\n") + body);
    exchange.close();
  };
}

Script sends(std::string bytes, bool then_close) {
  return [=](Exchange& exchange) {
    exchange.read_body();
    exchange.send(bytes);
    if (then_close) exchange.close();
  };
}

Script answers_after(std::shared_ptr<Latch> latch) {
  return [=](Exchange& exchange) {
    exchange.read_body();
    exchange.wait(*latch);
    exchange.answer(200, exchange.backend_name());
  };
}

Script stays_silent() {
  return [](Exchange& exchange) { exchange.stream().fill(); };
}

Script upgrades_and_echoes(std::string protocol) {
  return [=](Exchange& exchange) {
    exchange.send(exchange.head(101, "Connection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n"));
    exchange.mark_body_read();
    ByteStream& stream = exchange.stream();
    while (!stream.buffer.empty() || stream.fill())
      if (!stream.send(stream.take(stream.buffer.size()))) break;
    exchange.close();
  };
}

}  // namespace sluice::support
