-- catalog insights_prod
CREATE CATALOG IF NOT EXISTS `insights_prod` MANAGED LOCATION 'abfss://insights@shop.dfs.core.windows.net/prod' COMMENT 'Customer feedback in, finished action out (prod)';

-- catalog insights_prod
ALTER CATALOG `insights_prod` DISABLE PREDICTIVE OPTIMIZATION;

-- schema sources
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`sources` COMMENT 'Take in what sources deliver, exactly as it came, once; then read it into typed columns.';

-- schema canonical
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`canonical` COMMENT 'Make one feedback record of every voice: who, when, about which order, SKU, shipment and batch; redacted.';

-- schema labels
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`labels` COMMENT 'Say what each record is about, how it feels and how urgent it is, with a quote for every topic.';

-- schema clusters
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`clusters` COMMENT 'Group what is said in other words into themes that keep their identity.';

-- schema anomalies
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`anomalies` COMMENT 'Find what is rising, why, and what it is worth a day.';

-- schema actions
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`actions` COMMENT 'Turn an issue into finished action: ticket, alert, hold, macro, article, brief; once, and undoable.';

-- schema rehearsal
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`rehearsal` COMMENT 'Say what a change would do before it is made, on copies.';

-- schema learning
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`learning` COMMENT 'Notice when labels no longer fit, retrain, and let a gate decide.';

-- schema health
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`health` COMMENT 'Say whether pipeline, model and business are well, and what the loop earned.';

-- schema governance
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`governance` COMMENT 'Pin what is published, keep what was promised about access, retention and audit.';

-- schema internals
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`internals` COMMENT 'Tables that are not public, as masked views for data engineers';

-- schema people_canonical
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`people_canonical` COMMENT 'What people read of canonical: views that mask what the reader\'s tier does not cover';

-- schema people_anomalies
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`people_anomalies` COMMENT 'What people read of anomalies: views that mask what the reader\'s tier does not cover';

-- schema people_governance
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`people_governance` COMMENT 'What people read of governance: views that mask what the reader\'s tier does not cover';

-- schema files
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`files` COMMENT 'Volumes';

-- schema security
CREATE SCHEMA IF NOT EXISTS `insights_prod`.`security` COMMENT 'Who may read which tier';

-- volume landing
CREATE VOLUME IF NOT EXISTS `insights_prod`.`files`.`landing` COMMENT 'Files that sources deliver, one folder a source; raw tier';

-- volume scratch
CREATE VOLUME IF NOT EXISTS `insights_prod`.`files`.`scratch` COMMENT 'Frames kept between the steps of a run, and context and messages of jobs; raw tier, only the pipeline reads it';

-- volume wheels
CREATE VOLUME IF NOT EXISTS `insights_prod`.`files`.`wheels` COMMENT 'Wheels, and what else jobs run';

-- function may_read_summary
CREATE OR REPLACE FUNCTION `insights_prod`.`security`.`may_read_summary`() RETURNS BOOLEAN COMMENT 'Whether the reader may see the summary tier' RETURN is_account_group_member('insights-prod-pipeline') OR is_account_group_member('insights-prod-console') OR is_account_group_member('insights-prod-ops') OR is_account_group_member('insights-prod-analyst') OR is_account_group_member('insights-prod-data-engineer') OR is_account_group_member('insights-prod-raw-reader');

-- function may_read_raw
CREATE OR REPLACE FUNCTION `insights_prod`.`security`.`may_read_raw`() RETURNS BOOLEAN COMMENT 'Whether the reader may see the raw tier' RETURN is_account_group_member('insights-prod-pipeline') OR is_account_group_member('insights-prod-raw-reader');

-- function mask_raw_string
CREATE OR REPLACE FUNCTION `insights_prod`.`security`.`mask_raw_string`(value string) RETURNS string COMMENT 'NULL unless the reader may see the raw tier' RETURN CASE WHEN is_account_group_member('insights-prod-pipeline') OR is_account_group_member('insights-prod-raw-reader') THEN value END;

-- table sources.chats_raw
CREATE TABLE IF NOT EXISTS `insights_prod`.`sources`.`chats_raw` (
  `record_ref` STRING NOT NULL COMMENT 'The record\'s own id as text; `line:…` where it has none',
  `payload` STRING COMMENT 'The record as it came, as JSON or as the text of its line (raw tier)',
  `payload_sha256` STRING NOT NULL COMMENT 'SHA-256 of the payload (of payload and mapping where the file is mapped)',
  `source_file` STRING COMMENT 'File below landing/<source>/ that brought it',
  `generation` INT COMMENT 'How many contents a file of this name had before this one',
  `line` BIGINT COMMENT 'Line or row in that file, from 1',
  `file_sha256` STRING COMMENT 'SHA-256 of the file\'s content; where shop/sources.yaml maps it, + and a hash of mapping and joined files',
  `delivered_day` DATE COMMENT 'Date in the file\'s name, where it has one: when the file was delivered',
  `reject_reason` STRING COMMENT 'Why the line could not be read as a record; empty for records',
  `ingest_as_of` DATE COMMENT 'The shop\'s today of the run that took it in',
  `ingest_from` DATE COMMENT 'The shop\'s today of the last completed run before; empty at the first',
  `ingested_at` TIMESTAMP COMMENT 'When it was written [UTC]',
  `run_id` STRING COMMENT 'Run that wrote it'
)
USING DELTA
COMMENT 'Chat transcripts, turn by turn. Exactly as delivered; nothing edits it.'
TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '0', 'delta.appendOnly' = 'true', 'delta.enableDeletionVectors' = 'false', 'delta.deletedFileRetentionDuration' = 'interval 30 days', 'delta.logRetentionDuration' = 'interval 30 days');

-- table canonical.feedback_text
CREATE TABLE IF NOT EXISTS `insights_prod`.`canonical`.`feedback_text` (
  `feedback_id` STRING NOT NULL COMMENT 'Feedback id',
  `text` STRING COMMENT 'The text as the customer wrote it (raw tier)',
  `redactions` map<string,int> COMMENT 'How many values of each kind were replaced in feedback.text [count]',
  `received_day` DATE NOT NULL COMMENT 'Received day'
)
USING DELTA
PARTITIONED BY (`received_day`)
COMMENT 'The customer\'s own words, unredacted. Raw tier: reading it needs a reason.'
TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '0', 'delta.enableDeletionVectors' = 'false', 'delta.deletedFileRetentionDuration' = 'interval 30 days', 'delta.logRetentionDuration' = 'interval 30 days');

-- table canonical.duplicates
CREATE TABLE IF NOT EXISTS `insights_prod`.`canonical`.`duplicates` (
  `feedback_id` STRING NOT NULL COMMENT 'Feedback id',
  `duplicate_group` STRING NOT NULL COMMENT 'Duplicate group',
  `reason` STRING COMMENT 'same_customer or copied_post',
  `counts` BOOLEAN COMMENT 'Whether this is the record of the group that counts',
  `received_day` DATE NOT NULL COMMENT 'Received day'
)
USING DELTA
PARTITIONED BY (`received_day`)
COMMENT 'one row per record that shares its words with another'
TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '0', 'delta.enableDeletionVectors' = 'false', 'delta.deletedFileRetentionDuration' = 'interval 30 days', 'delta.logRetentionDuration' = 'interval 30 days');

-- table anomalies.forecasts
CREATE TABLE IF NOT EXISTS `insights_prod`.`anomalies`.`forecasts` (
  `insight_id` STRING NOT NULL COMMENT 'Insight',
  `day` DATE NOT NULL COMMENT 'Day ahead',
  `expected_people` DOUBLE COMMENT 'Complaints expected [people]',
  `low` DOUBLE COMMENT '10 % bound [people]',
  `high` DOUBLE COMMENT '90 % bound [people]',
  `backcheck_count` INT COMMENT 'Past days checked [days]',
  `backcheck_inside` INT COMMENT 'Of those, inside the interval [days]',
  `run_id` STRING COMMENT 'Run that wrote the row'
)
USING DELTA
COMMENT 'What is likely next for each open issue, with an interval and how often such intervals held (R68).'
TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '0', 'delta.enableDeletionVectors' = 'false', 'delta.deletedFileRetentionDuration' = 'interval 30 days', 'delta.logRetentionDuration' = 'interval 30 days');

-- table governance.access_matrix
CREATE TABLE IF NOT EXISTS `insights_prod`.`governance`.`access_matrix` (
  `role` STRING NOT NULL COMMENT 'aggregate, summary (everybody\'s default) or raw',
  `table_name` STRING NOT NULL COMMENT 'Table name',
  `column_name` STRING NOT NULL COMMENT 'Column name',
  `tier` STRING NOT NULL COMMENT 'Tier of the column',
  `may_read` BOOLEAN NOT NULL COMMENT 'May read',
  `condition` STRING COMMENT 'What a read needs beside the role'
)
USING DELTA
COMMENT 'Which of the three roles may read which column (R111, R117); the readers enforce just this.'
TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '0', 'delta.enableDeletionVectors' = 'false', 'delta.deletedFileRetentionDuration' = 'interval 30 days', 'delta.logRetentionDuration' = 'interval 30 days');

-- tag sources.chats_raw
ALTER TABLE `insights_prod`.`sources`.`chats_raw` SET TAGS ('insights_tier' = 'raw', 'insights_medallion' = 'raw', 'insights_retention_days' = '730', 'insights_owner' = 'team:data-platform');

-- tag sources.chats_raw.payload
ALTER TABLE `insights_prod`.`sources`.`chats_raw` ALTER COLUMN `payload` SET TAGS ('insights_tier' = 'raw');

-- tag canonical.feedback_text
ALTER TABLE `insights_prod`.`canonical`.`feedback_text` SET TAGS ('insights_tier' = 'raw', 'insights_medallion' = 'silver', 'insights_retention_days' = 'until_erased', 'insights_owner' = 'team:data-platform');

-- tag canonical.feedback_text.text
ALTER TABLE `insights_prod`.`canonical`.`feedback_text` ALTER COLUMN `text` SET TAGS ('insights_tier' = 'raw');

-- tag canonical.duplicates
ALTER TABLE `insights_prod`.`canonical`.`duplicates` SET TAGS ('insights_tier' = 'summary', 'insights_medallion' = 'silver', 'insights_retention_days' = 'until_erased', 'insights_owner' = 'team:data-platform');

-- tag anomalies.forecasts
ALTER TABLE `insights_prod`.`anomalies`.`forecasts` SET TAGS ('insights_tier' = 'summary', 'insights_medallion' = 'gold', 'insights_retention_days' = 'until_erased', 'insights_owner' = 'team:data-platform');

-- tag governance.access_matrix
ALTER TABLE `insights_prod`.`governance`.`access_matrix` SET TAGS ('insights_tier' = 'aggregate', 'insights_medallion' = 'gold', 'insights_retention_days' = 'until_erased', 'insights_owner' = 'team:governance');

-- mask sources.chats_raw.payload
ALTER TABLE `insights_prod`.`sources`.`chats_raw` ALTER COLUMN `payload` SET MASK `insights_prod`.`security`.`mask_raw_string`;

-- mask canonical.feedback_text.text
ALTER TABLE `insights_prod`.`canonical`.`feedback_text` ALTER COLUMN `text` SET MASK `insights_prod`.`security`.`mask_raw_string`;

-- view internals.sources_chats_raw
CREATE OR REPLACE VIEW `insights_prod`.`internals`.`sources_chats_raw` (
  `record_ref` COMMENT 'The record\'s own id as text; `line:…` where it has none',
  `payload` COMMENT 'The record as it came, as JSON or as the text of its line (raw tier)',
  `payload_sha256` COMMENT 'SHA-256 of the payload (of payload and mapping where the file is mapped)',
  `source_file` COMMENT 'File below landing/<source>/ that brought it',
  `generation` COMMENT 'How many contents a file of this name had before this one',
  `line` COMMENT 'Line or row in that file, from 1',
  `file_sha256` COMMENT 'SHA-256 of the file\'s content; where shop/sources.yaml maps it, + and a hash of mapping and joined files',
  `delivered_day` COMMENT 'Date in the file\'s name, where it has one: when the file was delivered',
  `reject_reason` COMMENT 'Why the line could not be read as a record; empty for records',
  `ingest_as_of` COMMENT 'The shop\'s today of the run that took it in',
  `ingest_from` COMMENT 'The shop\'s today of the last completed run before; empty at the first',
  `ingested_at` COMMENT 'When it was written [UTC]',
  `run_id` COMMENT 'Run that wrote it'
) COMMENT 'Chat transcripts, turn by turn. Exactly as delivered; nothing edits it.' AS
SELECT
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `record_ref` END AS `record_ref`,
  CASE WHEN `insights_prod`.`security`.`may_read_raw`() THEN `payload` END AS `payload`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `payload_sha256` END AS `payload_sha256`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `source_file` END AS `source_file`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `generation` END AS `generation`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `line` END AS `line`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `file_sha256` END AS `file_sha256`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `delivered_day` END AS `delivered_day`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `reject_reason` END AS `reject_reason`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `ingest_as_of` END AS `ingest_as_of`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `ingest_from` END AS `ingest_from`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `ingested_at` END AS `ingested_at`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `run_id` END AS `run_id`
FROM `insights_prod`.`sources`.`chats_raw`;

-- view internals.canonical_feedback_text
CREATE OR REPLACE VIEW `insights_prod`.`internals`.`canonical_feedback_text` (
  `feedback_id` COMMENT 'Feedback id',
  `text` COMMENT 'The text as the customer wrote it (raw tier)',
  `redactions` COMMENT 'How many values of each kind were replaced in feedback.text [count]',
  `received_day` COMMENT 'Received day'
) COMMENT 'The customer\'s own words, unredacted. Raw tier: reading it needs a reason.' AS
SELECT
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `feedback_id` END AS `feedback_id`,
  CASE WHEN `insights_prod`.`security`.`may_read_raw`() THEN `text` END AS `text`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `redactions` END AS `redactions`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `received_day` END AS `received_day`
FROM `insights_prod`.`canonical`.`feedback_text`;

-- view people_canonical.duplicates
CREATE OR REPLACE VIEW `insights_prod`.`people_canonical`.`duplicates` (
  `feedback_id` COMMENT 'Feedback id',
  `duplicate_group` COMMENT 'Duplicate group',
  `reason` COMMENT 'same_customer or copied_post',
  `counts` COMMENT 'Whether this is the record of the group that counts',
  `received_day` COMMENT 'Received day'
) COMMENT 'one row per record that shares its words with another' AS
SELECT
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `feedback_id` END AS `feedback_id`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `duplicate_group` END AS `duplicate_group`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `reason` END AS `reason`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `counts` END AS `counts`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `received_day` END AS `received_day`
FROM `insights_prod`.`canonical`.`duplicates`;

-- view people_anomalies.forecasts
CREATE OR REPLACE VIEW `insights_prod`.`people_anomalies`.`forecasts` (
  `insight_id` COMMENT 'Insight',
  `day` COMMENT 'Day ahead',
  `expected_people` COMMENT 'Complaints expected [people]',
  `low` COMMENT '10 % bound [people]',
  `high` COMMENT '90 % bound [people]',
  `backcheck_count` COMMENT 'Past days checked [days]',
  `backcheck_inside` COMMENT 'Of those, inside the interval [days]',
  `run_id` COMMENT 'Run that wrote the row'
) COMMENT 'What is likely next for each open issue, with an interval and how often such intervals held (R68).' AS
SELECT
  `insight_id`,
  `day`,
  `expected_people`,
  `low`,
  `high`,
  `backcheck_count`,
  `backcheck_inside`,
  CASE WHEN `insights_prod`.`security`.`may_read_summary`() THEN `run_id` END AS `run_id`
FROM `insights_prod`.`anomalies`.`forecasts`;

-- view people_governance.access_matrix
CREATE OR REPLACE VIEW `insights_prod`.`people_governance`.`access_matrix` (
  `role` COMMENT 'aggregate, summary (everybody\'s default) or raw',
  `table_name` COMMENT 'Table name',
  `column_name` COMMENT 'Column name',
  `tier` COMMENT 'Tier of the column',
  `may_read` COMMENT 'May read',
  `condition` COMMENT 'What a read needs beside the role'
) COMMENT 'Which of the three roles may read which column (R111, R117); the readers enforce just this.' AS
SELECT
  `role`,
  `table_name`,
  `column_name`,
  `tier`,
  `may_read`,
  `condition`
FROM `insights_prod`.`governance`.`access_matrix`;

-- grant insights_prod to pipeline
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-pipeline`;

-- grant security to pipeline
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-pipeline`;

-- grant sources to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`sources` TO `insights-prod-pipeline`;

-- grant canonical to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`canonical` TO `insights-prod-pipeline`;

-- grant labels to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`labels` TO `insights-prod-pipeline`;

-- grant clusters to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`clusters` TO `insights-prod-pipeline`;

-- grant anomalies to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`anomalies` TO `insights-prod-pipeline`;

-- grant actions to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`actions` TO `insights-prod-pipeline`;

-- grant rehearsal to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`rehearsal` TO `insights-prod-pipeline`;

-- grant learning to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`learning` TO `insights-prod-pipeline`;

-- grant health to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`health` TO `insights-prod-pipeline`;

-- grant governance to pipeline
GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA `insights_prod`.`governance` TO `insights-prod-pipeline`;

-- grant files to pipeline
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`files` TO `insights-prod-pipeline`;

-- grant files.landing to pipeline
GRANT READ VOLUME ON VOLUME `insights_prod`.`files`.`landing` TO `insights-prod-pipeline`;

-- grant files.scratch to pipeline
GRANT READ VOLUME, WRITE VOLUME ON VOLUME `insights_prod`.`files`.`scratch` TO `insights-prod-pipeline`;

-- grant files.wheels to pipeline
GRANT READ VOLUME ON VOLUME `insights_prod`.`files`.`wheels` TO `insights-prod-pipeline`;

-- grant insights_prod to console
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-console`;

-- grant security to console
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-console`;

-- grant canonical to console
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`canonical` TO `insights-prod-console`;

-- grant canonical.duplicates to console
GRANT SELECT ON TABLE `insights_prod`.`canonical`.`duplicates` TO `insights-prod-console`;

-- grant anomalies to console
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`anomalies` TO `insights-prod-console`;

-- grant anomalies.forecasts to console
GRANT SELECT ON TABLE `insights_prod`.`anomalies`.`forecasts` TO `insights-prod-console`;

-- grant governance to console
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`governance` TO `insights-prod-console`;

-- grant governance.access_matrix to console
GRANT SELECT ON TABLE `insights_prod`.`governance`.`access_matrix` TO `insights-prod-console`;

-- grant insights_prod to delivery
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-delivery`;

-- grant files to delivery
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`files` TO `insights-prod-delivery`;

-- grant files.landing to delivery
GRANT WRITE VOLUME ON VOLUME `insights_prod`.`files`.`landing` TO `insights-prod-delivery`;

-- grant insights_prod to ops
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-ops`;

-- grant security to ops
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-ops`;

-- grant people_canonical to ops
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_canonical` TO `insights-prod-ops`;

-- grant people_anomalies to ops
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_anomalies` TO `insights-prod-ops`;

-- grant insights_prod to analyst
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-analyst`;

-- grant security to analyst
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-analyst`;

-- grant people_canonical to analyst
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_canonical` TO `insights-prod-analyst`;

-- grant people_anomalies to analyst
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_anomalies` TO `insights-prod-analyst`;

-- grant insights_prod to data-engineer
GRANT USE CATALOG, BROWSE ON CATALOG `insights_prod` TO `insights-prod-data-engineer`;

-- grant security to data-engineer
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-data-engineer`;

-- grant internals to data-engineer
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`internals` TO `insights-prod-data-engineer`;

-- grant people_canonical to data-engineer
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_canonical` TO `insights-prod-data-engineer`;

-- grant people_anomalies to data-engineer
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_anomalies` TO `insights-prod-data-engineer`;

-- grant people_governance to data-engineer
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_governance` TO `insights-prod-data-engineer`;

-- grant files to data-engineer
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`files` TO `insights-prod-data-engineer`;

-- grant files.wheels to data-engineer
GRANT READ VOLUME ON VOLUME `insights_prod`.`files`.`wheels` TO `insights-prod-data-engineer`;

-- grant insights_prod to leader
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-leader`;

-- grant security to leader
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-leader`;

-- grant people_anomalies to leader
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_anomalies` TO `insights-prod-leader`;

-- grant people_governance to leader
GRANT USE SCHEMA, SELECT ON SCHEMA `insights_prod`.`people_governance` TO `insights-prod-leader`;

-- grant insights_prod to raw-reader
GRANT USE CATALOG ON CATALOG `insights_prod` TO `insights-prod-raw-reader`;

-- grant security to raw-reader
GRANT USE SCHEMA, EXECUTE ON SCHEMA `insights_prod`.`security` TO `insights-prod-raw-reader`;

-- grant sources to raw-reader
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`sources` TO `insights-prod-raw-reader`;

-- grant sources.chats_raw to raw-reader
GRANT SELECT ON TABLE `insights_prod`.`sources`.`chats_raw` TO `insights-prod-raw-reader`;

-- grant canonical to raw-reader
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`canonical` TO `insights-prod-raw-reader`;

-- grant canonical.feedback_text to raw-reader
GRANT SELECT ON TABLE `insights_prod`.`canonical`.`feedback_text` TO `insights-prod-raw-reader`;

-- grant files to raw-reader
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`files` TO `insights-prod-raw-reader`;

-- grant files.landing to raw-reader
GRANT READ VOLUME ON VOLUME `insights_prod`.`files`.`landing` TO `insights-prod-raw-reader`;

-- grant insights_prod to platform-admin
GRANT USE CATALOG, BROWSE, MANAGE ON CATALOG `insights_prod` TO `insights-prod-platform-admin`;

-- grant files to platform-admin
GRANT USE SCHEMA ON SCHEMA `insights_prod`.`files` TO `insights-prod-platform-admin`;

-- grant files.wheels to platform-admin
GRANT READ VOLUME, WRITE VOLUME ON VOLUME `insights_prod`.`files`.`wheels` TO `insights-prod-platform-admin`;
