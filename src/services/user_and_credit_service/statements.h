// SPDX-License-Identifier: Apache-2.0
// Every statement of this service but those of insights. Parameters and result columns are in the
// order in which they stand in the SQL; sessions run in UTC.
#pragma once

#include "platform/db/db.h"

// An offer that ran out is told to be so also before anybody noted it.
#define OFFER_STATUS                                                                               \
    "CASE WHEN status = 'offered' AND accepted_at IS NULL AND expires_at < now()"                  \
    " THEN 'expired' ELSE status END"

// Lets one transaction at a time decide about a person: analyses and changes of consent.
extern const struct db_statement sql_lock_person;

// ---- accounts
extern const struct db_statement sql_insert_user;
extern const struct db_statement sql_user_by_id;
extern const struct db_statement sql_login_by_email;
extern const struct db_statement sql_profile;

// ---- erasure
extern const struct db_statement sql_erase_portion;
extern const struct db_statement sql_erase_person;
extern const struct db_statement sql_is_erased;
extern const struct db_statement sql_erased_lately;
extern const struct db_statement sql_begin_deletion;
extern const struct db_statement sql_end_deletion;
extern const struct db_statement sql_unfinished_deletion;

// ---- consents
extern const struct db_statement sql_grant_consent;
extern const struct db_statement sql_withdraw_consent;
extern const struct db_statement sql_consent_history;
extern const struct db_statement sql_wait_for_emotion_batches;
extern const struct db_statement sql_delete_portion_of_emotions;
extern const struct db_statement sql_delete_emotional_events;
extern const struct db_statement sql_delete_emotional_event_ids;
extern const struct db_statement sql_delete_emotional_summary;

// ---- analysis
extern const struct db_statement sql_applicant;
extern const struct db_statement sql_decision;
extern const struct db_statement sql_insert_decision;
extern const struct db_statement sql_supersede_open_offer;
extern const struct db_statement sql_insert_offer;

// ---- the cache of decisions
extern const struct db_statement sql_cache_generation;
extern const struct db_statement sql_next_cache_generation;

// ---- offers
extern const struct db_statement sql_request_review;
extern const struct db_statement sql_review;
extern const struct db_statement sql_offer_state;
extern const struct db_statement sql_accept_offer;
extern const struct db_statement sql_expire_offer;
extern const struct db_statement sql_count_offers;
extern const struct db_statement sql_list_offers;
extern const struct db_statement sql_acceptances_to_publish;
extern const struct db_statement sql_mark_acceptances_published;

// ---- what is held
extern const struct db_statement sql_emotional_days;
extern const struct db_statement sql_count_transactions;
extern const struct db_statement sql_list_transactions;
extern const struct db_statement sql_count_notifications;
extern const struct db_statement sql_list_notifications;
extern const struct db_statement sql_newest_notification;
extern const struct db_statement sql_new_notifications;
extern const struct db_statement sql_export;
