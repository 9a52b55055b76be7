// Asking the authorizer.
#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

// The verdicts on the packet at hand are in `verdicts_`. False when some come later: the connection
// is paused and the packet is to be handled anew when they have come.
bool Broker::consult(Handle handle, Connection& connection, std::span<Question> questions) {
    if (connection.traffic && connection.traffic->consultation) {
        verdicts_ = std::move(connection.traffic->consultation->verdicts);
        connection.traffic->consultation.reset();
        return true;
    }
    verdicts_.clear();
    std::size_t open = 0;
    for (Question& question : questions) {
        question.id = ++last_question_;
        question.identity = connection.identity;
        verdicts_.push_back(authorizer_.ask(question));
        if (verdicts_.back().kind != Verdict::Kind::Later) continue;
        questions_[question.id] = {handle, verdicts_.size() - 1};
        ++open;
    }
    if (open == 0) return true;
    connection.busy().consultation =
        std::make_unique<Consultation>(Consultation{verdicts_, last_question_, open, core_.now()});
    pause(handle, connection, Connection::Pause::Authorizer);
    arm(handle, connection, core_.now() + limits::kAuthorizerTimeoutS * TimeMs{1000});
    return false;
}

void Broker::on_verdict(std::uint64_t question, const Verdict& verdict) {
    const auto asked = questions_.find(question);
    if (asked == questions_.end()) return;
    const auto [handle, index] = asked->second;
    questions_.erase(asked);
    Connection* connection = connections_.find(handle);
    if (connection && connection->pause == Connection::Pause::Authorizer)
        answer(handle, *connection, index, verdict);
}

void Broker::answer(Handle handle, Connection& connection, std::size_t index,
                    const Verdict& verdict) {
    Consultation& consultation = *connection.traffic->consultation;
    consultation.verdicts[index] = STARLING_SABOTAGED(AllowLateDenied) ? Verdict{} : verdict;
    if (--consultation.open == 0) resume(handle, connection);
}

// It has taken too long: what is open is denied.
void Broker::give_up_consultation(Handle handle, Connection& connection) {
    forget_consultation(connection);
    Consultation& consultation = *connection.traffic->consultation;
    for (std::size_t index = 0; index < consultation.verdicts.size(); ++index)
        if (consultation.verdicts[index].kind == Verdict::Kind::Later)
            answer(handle, connection, index, {.kind = Verdict::Kind::Denied});
}

// Nobody waits for its answers any more.
void Broker::forget_consultation(const Connection& connection) {
    if (!connection.traffic || !connection.traffic->consultation) return;
    const Consultation& consultation = *connection.traffic->consultation;
    for (std::size_t back = 0; back < consultation.verdicts.size(); ++back)
        questions_.erase(consultation.last_question - back);
}

}  // namespace starling
